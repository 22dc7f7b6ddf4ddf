"""Which services a web process mounts, which it forwards to others, and whom it believes."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from appwrite_clone import env

#: Services with paths of the API, and so the ones a gateway can forward.
API_SERVICES = ("projects", "accounts", "documents")
#: Sockets and console pages know their clients themselves; they are mounted or absent.
SERVICES = (*API_SERVICES, "realtime", "console")


@dataclass(frozen=True)
class Split:
    """The share of one web process; alone it mounts everything."""

    mounted: frozenset[str]
    urls: dict[str, str]
    needs_identity: bool


def read() -> Split:
    """Read `SERVICES`, `SERVICE_URLS` and `IDENTITY`, and refuse what contradicts itself."""
    urls = dict(_address(entry) for entry in env.names("SERVICE_URLS"))
    wanted = env.names("SERVICES") or [name for name in SERVICES if name not in urls]
    unknown = sorted(set(wanted) - set(SERVICES))
    if unknown:
        raise env.BadSetting("SERVICES", f"{unknown[0]!r} is not one of {', '.join(SERVICES)}")
    twice = sorted(set(wanted) & set(urls))
    if twice:
        raise env.BadSetting("SERVICE_URLS", f"{twice[0]} is mounted here, as SERVICES says")
    needs_identity = env.choice("IDENTITY", ("credentials", "required"), "credentials")
    if needs_identity == "required":
        _check_service(wanted, urls)
    return Split(frozenset(wanted), urls, needs_identity == "required")


def _address(entry: str) -> tuple[str, str]:
    name, _, address = entry.partition("=")
    if name not in API_SERVICES:
        problem = f"{name!r} cannot be forwarded, only {', '.join(API_SERVICES)}"
        raise env.BadSetting("SERVICE_URLS", problem)
    try:
        url = urlsplit(address)
        is_plain = url.hostname and url.port != 0 and "@" not in url.netloc
    except ValueError:
        is_plain = False
    if not is_plain or address.rstrip("/") not in (f"http://{url.netloc}", f"https://{url.netloc}"):
        problem = f"{entry!r} does not look like documents=http://10.0.0.5:5000"
        raise env.BadSetting("SERVICE_URLS", problem)
    return name, address.rstrip("/")


def _check_service(wanted: list[str], urls: dict[str, str]) -> None:
    others = sorted(set(wanted) - set(API_SERVICES))
    if others:
        problem = f"{others[0]} takes clients itself; name the services of this process in SERVICES"
        raise env.BadSetting("IDENTITY", problem)
    if urls:
        raise env.BadSetting("IDENTITY", "a process that forwards (SERVICE_URLS) is no service")
