"""One request after another through the bridge, driven by hand."""

import asyncio

from appwrite_clone.bridge import Bridge, Limits

PATIENCE_SECONDS = 30.0
SMALL = Limits(
    threads=2, memory_body_bytes=1000, max_body_bytes=5000, linger_seconds=0.2, max_headers=20
)


def scope_for(method="GET", path="/", headers=(), query=b"", **more):
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "http_version": "1.1",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "server": ("127.0.0.1", 5000),
        "client": ("10.0.0.1", 1234),
        **more,
    }


class Exchange:
    """One request by hand: pieces of body to receive, messages that were sent."""

    def __init__(self, scope, *pieces, ends="complete"):
        self.scope = scope
        self.sent = []
        self._messages = [
            {"type": "http.request", "body": piece, "more_body": number + 1 < len(pieces)}
            for number, piece in enumerate(pieces or [b""])
        ]
        if ends == "disconnect":
            self._messages[-1]["more_body"] = True
            self._messages.append({"type": "http.disconnect"})
        self.gone = asyncio.Event()

    async def receive(self):
        if self._messages:
            return self._messages.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)

    @property
    def status(self):
        return self.sent[0]["status"]

    @property
    def headers(self):
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self):
        return b"".join(message["body"] for message in self.sent[1:])


def drive(application, *exchanges, limits=SMALL):
    """Run exchanges at the same time on a bridge of their own."""
    bridge = Bridge(application, version="9.9", limits=limits)

    async def main():
        made = [make() for make in exchanges]
        await asyncio.gather(*(bridge(each.scope, each.receive, each.send) for each in made))
        return made

    try:
        done = asyncio.run(main())
    finally:
        bridge.stop()
    return done if len(done) > 1 else done[0]


async def until(condition):
    """Wait for what happens on the loop or a thread."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Length", str(len(body)))])
    return [body]
