"""Signing in with an ID token that an app got from its provider on the device itself."""

from datetime import UTC, datetime, timedelta

from accounts.oauth import engine, idtokens
from accounts.oauth.engine import Tokens
from accounts.oauth.errors import ProviderError
from accounts.oauth.idtokens import Issuer
from accounts.oauth.providers import APPLE_NAMES, GOOGLE_NAMES, AppleAdapter, GoogleAdapter
from accounts.services.linking import identify
from accounts.services.oauth import get_oauth_client, refused
from accounts.services.sessions import OAUTH2, OpenedSession, come_by, new_session, open_session
from kernel import clock
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from projects.oauth import Client


def create_id_token_session(
    *,
    caller: Caller,
    provider: str,
    id_token: str,
    nonce: str = "",
    access_token: str = "",
    access_token_expiry: int | None = None,
    name: str = "",
) -> OpenedSession:
    """Sign in with an ID token that was issued to one of the project's apps, for this nonce.

    `access_token` is kept as it is, and proves nothing.

    Raises: USER_SESSION_ALREADY_EXISTS, PROJECT_PROVIDER_DISABLED, USER_OAUTH2_UNAUTHORIZED,
        USER_EMAIL_ALREADY_EXISTS, USER_BLOCKED, USER_COUNT_EXCEEDED, USER_EMAIL_NOT_VERIFIED
    """
    if caller.is_user:
        raise ApiError(ErrorKind.USER_SESSION_ALREADY_EXISTS)
    client = get_oauth_client(caller, provider)
    if not client.settings["nativeEnabled"]:
        raise ApiError(ErrorKind.PROJECT_PROVIDER_DISABLED)
    nonces = list(idtokens.nonces_of(nonce)) if nonce else [""]
    try:
        claims = idtokens.verify(id_token, _issuer(client), nonces=nonces)
        profile = engine.profile_of_claims(client, claims, name=name)
    except ProviderError as error:
        said = refused(client, error).message
        raise ApiError(ErrorKind.USER_OAUTH2_UNAUTHORIZED, said) from error
    expires_at = _moment(access_token_expiry)
    tokens = Tokens(access=access_token, id_token=id_token, expires_at=expires_at)
    user, identity = identify(caller, provider, profile, tokens, signed_in=None)
    session = new_session(caller, user, provider, factor=OAUTH2)
    come_by(session, identity)
    return open_session(caller, user, session)


def _issuer(client: Client) -> Issuer:
    settings = client.settings
    apps = settings["nativeClientIds"]
    if client.provider.id == "apple":
        return Issuer(APPLE_NAMES, AppleAdapter.keys_url, (settings["serviceId"], *apps))
    return Issuer(GOOGLE_NAMES, GoogleAdapter.keys_url, (settings["clientId"], *apps))


def _moment(seconds: int | None) -> datetime | None:
    """Read an expiry: a moment in Unix seconds, or how long from now where it is too small."""
    if seconds is None:
        return None
    now = clock.now()
    if seconds < now.timestamp() / 2:
        return now + timedelta(seconds=seconds)
    return datetime.fromtimestamp(seconds, UTC)
