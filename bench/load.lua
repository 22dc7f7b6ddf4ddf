-- Sends the requests of a file in random order. They are complete but for FRESH, which stands for
-- nine digits that differ each time; NUL stands between them.
local FRESH = "#########"
local requests = {}

function init(arguments)
  math.randomseed(tonumber(arguments[2]))
  local file = assert(io.open(arguments[1], "rb"))
  for text in file:read("*a"):gmatch("%Z+") do requests[#requests + 1] = text end
  file:close()
end

function request()
  local text = requests[math.random(#requests)]
  if not text:find(FRESH, 1, true) then return text end
  return (text:gsub(FRESH, function() return tostring(math.random(100000000, 999999999)) end))
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('\n{"requests": %d, "seconds": %.6f, "failed": %d, "p50": %.3f, "p99": %.3f}\n',
    summary.requests, summary.duration / 1e6, failed,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
