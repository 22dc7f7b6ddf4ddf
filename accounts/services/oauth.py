"""Signing in by an OAuth2 provider: on the way there, and back.

The way is remembered in a row, so that the `state` which goes around with the browser says nothing
but which one, signed. It is good once, for some minutes, in the project and for the provider it was
made for, and for the browser that set out: by a cookie, whose digest is in the row. A server that
sends its visitor on by itself has no such cookie; its own `state` comes back to it instead.
"""

import hmac
import logging
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.db import transaction

from accounts.authentication import session_cookie_names
from accounts.events import announce_identity, publish_token
from accounts.links import check_link, link_to
from accounts.models import Identity, OAuthFlow, Session, User
from accounts.oauth import engine
from accounts.oauth.engine import SignIn
from accounts.oauth.errors import ProviderError
from accounts.services.identities import hold_identity
from accounts.services.linking import identify
from accounts.services.rows import get_own_user
from accounts.services.sessions import (
    OAUTH2,
    OpenedSession,
    come_by,
    end_session,
    new_session,
    open_session,
)
from accounts.services.tokens import issue, shown
from accounts.tokens import Purpose, digest, flow_secret, new_link_secret
from kernel import clock
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.ids import unique_id
from kernel.limits import OAUTH_FLOW_SECONDS, OAUTH_TOKEN_SECONDS
from projects.oauth import PROVIDERS, Client, callback_url
from projects.services import find_oauth_client
from projects.signing import InvalidTokenError, sign, verify

STATE_PURPOSE = "oauth state"
TOKEN_SECRET_BYTES = 64
_WEB = ("http", "https")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OAuth2Departure:
    """Where to send a browser, and the cookie it is to come back with, if any."""

    url: str
    flow_uid: str
    cookie: str


@dataclass(frozen=True, slots=True)
class OAuth2Return:
    """Where a browser goes that came back: the session it is signed in by, unless it is a token."""

    url: str
    flow_uid: str
    opened: OpenedSession | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2Callback:
    """What a provider sends a browser back with."""

    code: str = ""
    state: str = ""
    error: str = ""
    error_description: str = ""
    user: str = ""


def create_oauth2_session(
    *, caller: Caller, provider: str, success: str, failure: str, scopes: Sequence[str]
) -> OAuth2Departure:
    """Send a browser to a provider, to be signed in when it comes back.

    Raises: ARGUMENT_INVALID, PROJECT_PROVIDER_UNSUPPORTED, PROJECT_PROVIDER_DISABLED,
        USER_OAUTH2_PROVIDER_ERROR
    """
    return _depart(caller, provider, success, failure, scopes, has_cookie=True)


def create_oauth2_token(
    *,
    caller: Caller,
    provider: str,
    success: str,
    failure: str,
    scopes: Sequence[str],
    state: str = "",
) -> OAuth2Departure:
    """Send a browser to a provider, to come back to the app with a token that opens a session.

    Raises: ARGUMENT_INVALID, PROJECT_PROVIDER_UNSUPPORTED, PROJECT_PROVIDER_DISABLED,
        USER_OAUTH2_PROVIDER_ERROR
    """
    has_cookie = not caller.is_privileged
    kept = {"is_for_token": True, "client_state": state}
    return _depart(caller, provider, success, failure, scopes, has_cookie=has_cookie, **kept)


def finish_oauth2(
    *, caller: Caller, provider: str, callback: OAuth2Callback, cookies: Mapping[str, str]
) -> OAuth2Return:
    """Sign in who comes back from a provider; `cookies` are those of ways by their ids.

    What goes wrong is told to the app at its failure URL, where it gave one.

    Raises: USER_OAUTH2_BAD_REQUEST, and without a failure URL what else may be wrong
    """
    flow = _take(caller, provider, callback.state, cookies)
    try:
        return _arrive(caller, flow, callback)
    except ApiError as error:
        if not flow.failure:
            raise
        text = orjson.dumps(
            {"message": error.message, "type": error.kind.type, "code": error.kind.status}
        ).decode()
        return OAuth2Return(_link(flow, flow.failure, error=text), flow.uid)


def get_oauth_client(caller: Caller, provider: str) -> Client:
    """Return what a project has with a provider that may be used.

    Raises: PROJECT_PROVIDER_UNSUPPORTED, PROJECT_PROVIDER_DISABLED
    """
    if provider not in PROVIDERS:
        raise ApiError(ErrorKind.PROJECT_PROVIDER_UNSUPPORTED)
    client = find_oauth_client(caller.project, provider)
    if client is None:
        raise ApiError(ErrorKind.PROJECT_PROVIDER_DISABLED)
    return client


def refused(client: Client, error: ProviderError) -> ApiError:
    """Return the public error for a provider that cannot be believed, and note the cause."""
    title = client.provider.title
    _logger.warning("sign-in with %s fails: %s", title, error)
    return ApiError(ErrorKind.USER_OAUTH2_PROVIDER_ERROR, f"Sign-in with {title} fails: {error}.")


# On the way there


def _depart(
    caller: Caller,
    provider: str,
    success: str,
    failure: str,
    scopes: Sequence[str],
    *,
    has_cookie: bool,
    **columns: Any,
) -> OAuth2Departure:
    for name, url in (("success", success), ("failure", failure)):
        if url:
            check_link(caller.project, url, name=name)
    client = get_oauth_client(caller, provider)
    now, cookie = clock.now(), new_link_secret() if has_cookie else ""
    flow = OAuthFlow(
        project_id=caller.project.id,
        uid=unique_id(),
        provider=provider,
        browser=digest(cookie) if cookie else b"",
        user=get_own_user(caller) if caller.is_user else None,
        session_uid=caller.session_uid if caller.is_user else "",
        success=success,
        failure=failure,
        expires_at=now + timedelta(seconds=OAUTH_FLOW_SECONDS),
        created_at=now,
        **columns,
    )
    try:
        url = engine.authorize_url(client, _sign_in(caller, flow), scopes)
    except ProviderError as error:
        raise refused(client, error) from error
    flow.save(force_insert=True)
    return OAuth2Departure(url, flow.uid, cookie)


def _sign_in(caller: Caller, flow: OAuthFlow, *, user: str = "") -> SignIn:
    uid, verifier = caller.project.uid, flow_secret(flow.uid, "verifier")
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    state = sign({"flow": flow.uid}, uid, STATE_PURPOSE, seconds=OAUTH_FLOW_SECONDS)
    return SignIn(
        callback_url=callback_url(flow.provider, uid),
        state=state,
        verifier=verifier,
        challenge=challenge,
        nonce=flow_secret(flow.uid, "nonce"),
        name=_told_name(user),
    )


def _told_name(user: str) -> dict[str, Any]:
    """Read the name that Apple lets a browser bring along, the first time only."""
    try:
        told = orjson.loads(user or b"{}")
    except orjson.JSONDecodeError:
        return {}
    name = told.get("name") if isinstance(told, dict) else None
    return name if isinstance(name, dict) else {}


# On the way back


def _take(caller: Caller, provider: str, state: str, cookies: Mapping[str, str]) -> OAuthFlow:
    """Return the way that ends here, and forget it: no one else will come back by it.

    Raises: USER_OAUTH2_BAD_REQUEST
    """
    refusal = ApiError(ErrorKind.USER_OAUTH2_BAD_REQUEST)
    try:
        uid = str(verify(state, caller.project.uid, STATE_PURPOSE)["flow"])
    except (InvalidTokenError, KeyError):
        raise refusal from None
    cookie = cookies.get(uid, "")
    flow = OAuthFlow.objects.filter(
        project_id=caller.project.id, uid=uid, provider=provider, expires_at__gt=clock.now()
    ).first()
    expected = bytes(flow.browser) if flow else b""
    if flow is None or (expected and not hmac.compare_digest(expected, digest(cookie))):
        raise refusal
    # Of two who come back by it one deletes it.
    deleted, _ = OAuthFlow.objects.filter(id=flow.id).delete()
    if not deleted:
        raise refusal
    return flow


def _arrive(caller: Caller, flow: OAuthFlow, callback: OAuth2Callback) -> OAuth2Return:
    client = get_oauth_client(caller, flow.provider)
    if callback.error or not callback.code:
        raise _not_confirmed(client, callback)
    signed_in = _who_set_out(flow)
    try:
        sign_in = _sign_in(caller, flow, user=callback.user)
        profile, tokens = engine.exchange(client, sign_in, callback.code)
    except ProviderError as error:
        raise refused(client, error) from error
    user, identity = identify(
        caller, flow.provider, profile, tokens, signed_in=signed_in, session_uid=flow.session_uid
    )
    if flow.is_for_token:
        return _with_token(caller, flow, user, identity)
    return _with_session(caller, flow, user, identity)


def _not_confirmed(client: Client, callback: OAuth2Callback) -> ApiError:
    told = " ".join(filter(None, (callback.error, callback.error_description)))
    said = f"{client.provider.title} answers: {told[:500]}" if told else ""
    return ApiError(ErrorKind.USER_OAUTH2_UNAUTHORIZED, said)


def _who_set_out(flow: OAuthFlow) -> User | None:
    """Return the user who was signed in at the start, and still is, before the provider is asked.

    Raises: USER_UNAUTHORIZED
    """
    if flow.user is None:
        return None
    sessions = Session.objects.filter(
        user_id=flow.user.id, uid=flow.session_uid, expires_at__gt=clock.now()
    )
    is_gone = flow.user.deleted_at is not None or not flow.user.is_active
    if is_gone or (flow.session_uid and not sessions.exists()):
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    return flow.user


def _with_token(caller: Caller, flow: OAuthFlow, user: User, identity: Identity) -> OAuth2Return:
    secret = secrets.token_hex(TOKEN_SECRET_BYTES)
    with transaction.atomic():
        hold_identity(user, identity.id)
        token = issue(user, Purpose.OAUTH2, secret, seconds=OAUTH_TOKEN_SECONDS, identity=identity)
        publish_token(caller, user.uid, "tokens", "create", shown(caller, user, token, ""))
    return OAuth2Return(_link(flow, _home(caller, flow), userId=user.uid, secret=secret), flow.uid)


def _with_session(caller: Caller, flow: OAuthFlow, user: User, identity: Identity) -> OAuth2Return:
    session = new_session(caller, user, flow.provider, factor=OAUTH2)
    come_by(session, identity)
    with transaction.atomic():
        opened = open_session(caller, user, session)
        if flow.session_uid:
            _replace(caller, flow, user)
    url, parameters = _home(caller, flow), {}
    if urlsplit(url).scheme not in _WEB:  # an app, which has no use for cookies
        parameters = {
            "project": caller.project.uid,
            "key": session_cookie_names(caller.project.uid)[0],
            "secret": opened.packed_secret,
        }
    return OAuth2Return(_link(flow, url, **parameters), flow.uid, opened)


def _replace(caller: Caller, flow: OAuthFlow, user: User) -> None:
    """End the session that set out: the new one stands for it."""
    if Session.objects.filter(user_id=user.id, uid=flow.session_uid).exists():
        end_session(caller, user.id, user.uid, flow.session_uid)
    announce_identity(caller.project.id, user_uid=user.uid, reason="linked")


def _home(caller: Caller, flow: OAuthFlow) -> str:
    """Return where the app wants its user back: at the scheme of its own where it does not say."""
    return flow.success or f"appwrite-callback-{caller.project.uid}://"


def _link(flow: OAuthFlow, url: str, **parameters: str) -> str:
    own_state = {"state": flow.client_state} if flow.client_state else {}
    return link_to(url, **parameters, **own_state)
