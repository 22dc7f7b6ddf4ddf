"""What a session's user agent says of its browser, system and device."""

from dataclasses import dataclass
from functools import lru_cache

import ua_parser

CACHED_AGENTS = 1024

_OS_CODES = {
    "Windows": "WIN",
    "Mac OS X": "MAC",
    "iOS": "IOS",
    "Android": "AND",
    "Linux": "LIN",
    "Ubuntu": "UBT",
    "Debian": "DEB",
    "Fedora": "FED",
    "Chrome OS": "COS",
}
_OS_NAMES = {"Mac OS X": "Mac", "Linux": "GNU/Linux"}

#: Per browser: its code, its name and its engine.
_BROWSERS = {
    "Chrome": ("CH", "Chrome", "Blink"),
    "Chrome Mobile": ("CM", "Chrome Mobile", "Blink"),
    "Chrome Mobile iOS": ("CI", "Chrome Mobile iOS", "WebKit"),
    "Chrome Mobile WebView": ("CV", "Chrome Webview", "Blink"),
    "Edge": ("PS", "Microsoft Edge", "Blink"),
    "Firefox": ("FF", "Firefox", "Gecko"),
    "Firefox Mobile": ("FM", "Firefox Mobile", "Gecko"),
    "Firefox iOS": ("FM", "Firefox Mobile iOS", "WebKit"),
    "HeadlessChrome": ("HC", "Headless Chrome", "Blink"),
    "Mobile Safari": ("MF", "Mobile Safari", "WebKit"),
    "Opera": ("OP", "Opera", "Blink"),
    "Opera Mobile": ("OM", "Opera Mobile", "Blink"),
    "Safari": ("SF", "Safari", "WebKit"),
    "Samsung Internet": ("SB", "Samsung Browser", "Blink"),
}
_DESKTOPS = frozenset({"Windows", "Mac OS X", "Linux", "Ubuntu", "Debian", "Fedora", "Chrome OS"})
_TABLETS = ("iPad", "Tablet", "Kindle")
_UNNAMED_DEVICES = frozenset({"Other", "Mac", "Generic Smartphone", "Generic Tablet"})


@dataclass(frozen=True, slots=True)
class Device:
    """The parts of a user agent; empty where it does not say."""

    os_code: str = ""
    os_name: str = ""
    os_version: str = ""
    client_type: str = ""
    client_code: str = ""
    client_name: str = ""
    client_version: str = ""
    client_engine: str = ""
    client_engine_version: str = ""
    device_name: str = ""
    device_brand: str = ""
    device_model: str = ""


def load_patterns() -> None:
    """Load what `describe` looks for: 27 MiB, which processes forked after it share."""
    ua_parser.parse("")


@lru_cache(maxsize=CACHED_AGENTS)
def describe(user_agent: str) -> Device:
    """Read a user agent."""
    if not user_agent:
        return Device()
    parsed = ua_parser.parse(user_agent)
    system = parsed.os.family if parsed.os else ""
    client = parsed.user_agent
    code, name, engine = _BROWSERS.get(client.family if client else "", ("", "", ""))
    device = parsed.device
    is_known = device is not None and device.family not in _UNNAMED_DEVICES
    return Device(
        os_code=_OS_CODES.get(system, ""),
        os_name=_OS_NAMES.get(system, system),
        os_version=_version(parsed.os.major, parsed.os.minor) if parsed.os else "",
        client_type="browser" if name else "",
        client_code=code,
        client_name=name or (client.family if client else ""),
        client_version=_version(client.major, client.minor) if client else "",
        client_engine=engine,
        client_engine_version=(client.major or "") if client and engine == "Blink" else "",
        device_name=_kind(system, device.family if device else ""),
        device_brand=(device.brand or "") if device and is_known else "",
        device_model=(device.model or "") if device and is_known else "",
    )


def _kind(system: str, device: str) -> str:
    if system in _DESKTOPS:
        return "desktop"
    if system not in ("iOS", "Android"):
        return ""
    return "tablet" if any(word in device for word in _TABLETS) else "smartphone"


def _version(major: str | None, minor: str | None) -> str:
    return ".".join(part for part in (major, minor) if part)
