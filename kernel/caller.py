"""Who is calling, and in which project."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from kernel.policies import DEFAULT_POLICIES, Policies

CONSOLE_PROJECT = "console"
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


class CallerKind(StrEnum):
    """How the caller proved who they are."""

    GUEST = "guest"
    SESSION = "session"
    JWT = "jwt"
    KEY = "key"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class ProjectContext:
    """What every request needs to know of its project; read-only and cached.

    `rate_limits` are its own, by operation id: the calls allowed and the seconds they are in.
    """

    id: int
    uid: str
    name: str
    team_uid: str = ""
    hosts: frozenset[str] = frozenset()
    schemes: frozenset[str] = frozenset()
    disabled_services: frozenset[str] = frozenset()
    disabled_protocols: frozenset[str] = frozenset()
    disabled_auth_methods: frozenset[str] = frozenset()
    session_seconds: int = 0
    session_limit: int = 0
    user_limit: int = 0
    has_smtp: bool = False
    requires_verified_email: bool = False
    is_read_only_until_verified: bool = False
    rate_limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    policies: Policies = DEFAULT_POLICIES

    @property
    def is_console(self) -> bool:
        return self.uid == CONSOLE_PROJECT

    def accepts_origin(self, origin: str, own_host: str = "") -> bool:
        """Tell whether a browser page at `origin` may call (reference: CORS)."""
        try:
            parts = urlsplit(origin)
            host = parts.hostname or ""
        except ValueError:
            return False
        if parts.scheme not in ("http", "https"):
            return bool(parts.scheme) and parts.scheme in self.schemes
        if host == own_host or {host, own_host} <= LOOPBACK_HOSTS:
            return bool(host)
        return host in self.hosts or any(
            pattern.startswith("*.") and host.endswith(pattern[1:]) for pattern in self.hosts
        )


@dataclass(frozen=True, slots=True)
class ImpersonationTarget:
    """Whom the sender wants to act as: the user with this `uid`, `email` or `phone`."""

    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """All a request says about its sender, as sent; nothing in it is believed yet."""

    key: str = ""
    jwt: str = ""
    session: str = ""
    cookies: Mapping[str, str] = field(default_factory=dict)
    fallback_cookies: str = ""
    mode: str = ""
    dev_key: str = ""
    origin: str = ""
    ip: str = ""
    user_agent: str = ""
    locale: str = ""
    target: ImpersonationTarget | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request, resolved: identity, roles and scopes.

    Who `needs_factor` has yet to show a second one; who `must_enrol` has none to show, either.
    Where one user acts as another, `impersonator_uid` is who really calls; all else is the other's.
    """

    project: ProjectContext
    kind: CallerKind = CallerKind.GUEST
    user_id: int = 0
    user_uid: str = ""
    session_id: int = 0
    session_uid: str = ""
    key_uid: str = ""
    roles: frozenset[str] = frozenset({"any", "guests"})
    scopes: frozenset[str] = frozenset()
    is_blocked: bool = False
    needs_factor: bool = False
    must_enrol: bool = False
    impersonator_uid: str = ""
    ip: str = ""
    user_agent: str = ""
    locale: str = ""

    @property
    def is_privileged(self) -> bool:
        """Tell whether permission checks are skipped: API keys and console members."""
        return self.kind in (CallerKind.KEY, CallerKind.CONSOLE)

    @property
    def is_user(self) -> bool:
        return self.kind in (CallerKind.SESSION, CallerKind.JWT)

    @property
    def actor(self) -> str:
        """Who answers for what is done, as the log of events names them. Ids hold no spaces."""
        if self.impersonator_uid:
            return f"{self.impersonator_uid} as {self.user_uid}"
        return self.user_uid or self.key_uid

    def has_scope(self, accepted: tuple[str, ...]) -> bool:
        """Tell whether any one of the accepted scopes is held."""
        return not self.scopes.isdisjoint(accepted)
