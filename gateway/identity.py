"""The signed identity a gateway hands to a service: who calls, for one request and 30 seconds."""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from gateway import bodies
from gateway.credentials import read_locale
from gateway.parsing import header
from kernel.caller import Caller, CallerKind, ProjectContext
from kernel.errors import ApiError, ErrorKind

IDENTITY_HEADER = "X-Appwrite-Identity"
PROJECT_HEADER = "X-Appwrite-Project"
# With it a service tells its gateway which groups of what that keeps are outdated: whoever is
# answered may call again at once (`kernel.recent`).
RENEWED_HEADER = "X-Appwrite-Renewed"
PURPOSE = "identity"
IDENTITY_SECONDS = 30
# A server takes heads of 64 KiB, the client's own headers included. It is the share of a user
# with some 250 memberships.
MAX_IDENTITY_LENGTH = 32 * 1024

_PLAIN_FIELDS = (
    "user_id",
    "user_uid",
    "session_id",
    "session_uid",
    "key_uid",
    "is_blocked",
    "needs_factor",
    "must_enrol",
    "impersonator_uid",
    "ip",
)


def issue(caller: Caller, *, service: str, request: HttpRequest) -> str:
    """Return the identity of a caller for one service and this one request.

    Raises: BAD_REQUEST
    """
    claims = {
        "project": caller.project.uid,
        "request": digest(request),
        "kind": caller.kind.value,
        "roles": sorted(caller.roles),
        "scopes": sorted(caller.scopes),
    } | {name: getattr(caller, name) for name in _PLAIN_FIELDS}
    token: str = _setting("APPWRITE_SIGN")(claims, service, PURPOSE, seconds=IDENTITY_SECONDS)
    if len(token) > MAX_IDENTITY_LENGTH:
        raise ApiError(ErrorKind.BAD_REQUEST, "The caller is a member of too many teams.")
    return token


def accept(request: HttpRequest, services: Iterable[str]) -> None:
    """Put the project and the caller of a request's identity on it, if it is for these services.

    Raises: USER_UNAUTHORIZED, PROJECT_NOT_FOUND
    """
    claims = _claims(header(request.META, IDENTITY_HEADER), services)
    if not hmac.compare_digest(claims["request"], digest(request)):
        raise _refusal()
    if header(request.META, PROJECT_HEADER) not in ("", claims["project"]):
        raise _refusal()
    project: ProjectContext | None = _setting("APPWRITE_FIND_PROJECT")(claims["project"])
    if project is None:
        raise ApiError(ErrorKind.PROJECT_NOT_FOUND)
    request.project = project  # type: ignore[attr-defined]  # an attribute of our own
    request.caller = Caller(  # type: ignore[attr-defined]  # likewise
        project=project,
        kind=CallerKind(claims["kind"]),
        roles=frozenset(claims["roles"]),
        scopes=frozenset(claims["scopes"]),
        user_agent=header(request.META, "User-Agent"),
        locale=read_locale(request),
        # A gateway that is older than this service does not know of all of them.
        **{name: claims[name] for name in _PLAIN_FIELDS if name in claims},
    )


def digest(request: HttpRequest) -> str:
    """Return what ties an identity to its request: method, path, query and body."""
    meta = request.META
    whole = hashlib.sha256()
    for part in (request.method or "", meta["PATH_INFO"], meta.get("QUERY_STRING", "")):
        whole.update(part.encode("utf-8", "surrogateescape") + b"\n")
    for piece in bodies.pieces(request):
        whole.update(piece)
    return whole.hexdigest()


def _claims(token: str, services: Iterable[str]) -> Mapping[str, Any]:
    verify = _setting("APPWRITE_VERIFY")
    for service in services:
        try:
            claims = verify(token, service, PURPOSE, max_length=MAX_IDENTITY_LENGTH)
        except ValueError:
            continue
        if claims["exp"] - claims["iat"] <= IDENTITY_SECONDS:
            return claims  # type: ignore[no-any-return]  # decoded JSON
    raise _refusal()


def _refusal() -> ApiError:
    return ApiError(ErrorKind.USER_UNAUTHORIZED, "This service answers its gateway alone.")


@cache
def _setting(name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = import_string(getattr(settings, name))
    return found
