"""allauth's provider classes, made to work for one project at a time.

What differs here: a client's settings come with the request, ID tokens are always verified, and an
e-mail counts as verified only where the provider itself says so.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.socialaccount.providers.apple.provider import AppleProvider
from allauth.socialaccount.providers.apple.views import AppleOAuth2Adapter
from allauth.socialaccount.providers.discord.provider import DiscordProvider
from allauth.socialaccount.providers.discord.views import DiscordOAuth2Adapter
from allauth.socialaccount.providers.github.provider import GitHubProvider
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from allauth.socialaccount.providers.gitlab.provider import GitLabProvider
from allauth.socialaccount.providers.gitlab.views import GitLabOAuth2Adapter
from allauth.socialaccount.providers.google.provider import GoogleProvider
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from allauth.socialaccount.providers.microsoft.provider import MicrosoftGraphProvider
from allauth.socialaccount.providers.microsoft.views import MicrosoftGraphOAuth2Adapter
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter

from accounts.oauth import discovery, idtokens
from accounts.oauth.errors import ProviderError
from accounts.oauth.idtokens import Issuer
from projects.oauth import Provider, server_url

APPLE_NAMES = ("https://appleid.apple.com",)
GOOGLE_NAMES = ("https://accounts.google.com", "accounts.google.com")
DEFAULT_TENANT = "common"
DEFAULT_OKTA_SERVER = "default"
GITLAB = "https://gitlab.com"


class ForProject:
    """An adapter of allauth's whose addresses and nonce come with the request."""

    request: Any

    def get_callback_url(self, request: Any, _app: Any) -> str:
        return str(request.callback_url)

    def verified(self, id_token: Any, issuer: Issuer) -> dict[str, Any]:
        """Return the claims of an ID token, which has to be for this sign-in.

        Raises: ProviderError
        """
        if not isinstance(id_token, str):
            raise ProviderError("there is no ID token")
        return idtokens.verify(id_token, issuer, nonces=[self.request.nonce])


class AppleAdapter(ForProject, AppleOAuth2Adapter):
    keys_url: ClassVar[str] = "https://appleid.apple.com/auth/keys"

    # Past what allauth keeps in a session of its own: here the code is in the request.
    get_access_token_data = OAuth2Adapter.get_access_token_data
    parse_token = OAuth2Adapter.parse_token

    def complete_login(self, request: Any, app: Any, _token: Any, **exchanged: Any) -> Any:
        issuer = Issuer(APPLE_NAMES, self.keys_url, (app.client_id,))
        claims = self.verified(exchanged["response"].get("id_token"), issuer)
        return self.get_provider().sociallogin_from_response(
            request, {**claims, "name": request.told_name}
        )


class Apple(AppleProvider):
    oauth2_adapter_class = AppleAdapter

    def extract_common_fields(self, data: Mapping[str, Any]) -> dict[str, Any]:
        name = data.get("name")
        is_told = isinstance(name, Mapping)
        fields: dict[str, Any] = super().extract_common_fields(
            {**data, "name": name if is_told else {}}
        )
        return fields


class GoogleAdapter(ForProject, GoogleOAuth2Adapter):
    keys_url: ClassVar[str] = "https://www.googleapis.com/oauth2/v3/certs"

    def complete_login(self, request: Any, app: Any, _token: Any, **exchanged: Any) -> Any:
        issuer = Issuer(GOOGLE_NAMES, self.keys_url, (app.client_id,))
        claims = self.verified(exchanged["response"].get("id_token"), issuer)
        return self.get_provider().sociallogin_from_response(request, claims)


class Google(GoogleProvider):
    oauth2_adapter_class = GoogleAdapter

    def get_default_scope(self) -> list[str]:
        return ["openid", "email", "profile"]

    def extract_common_fields(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {**super().extract_common_fields(data), "name": data.get("name")}

    def get_auth_params(self) -> dict[str, Any]:
        return {"access_type": "offline"}  # without it there is no refresh token


class DiscordAdapter(ForProject, DiscordOAuth2Adapter):
    pass


class Discord(DiscordProvider):
    oauth2_adapter_class = DiscordAdapter


class GitHubAdapter(ForProject, GitHubOAuth2Adapter):
    pass


class GitHub(GitHubProvider):
    oauth2_adapter_class = GitHubAdapter


class GitLabAdapter(ForProject, GitLabOAuth2Adapter):
    pass


class GitLab(GitLabProvider):
    oauth2_adapter_class = GitLabAdapter

    def extract_email_addresses(self, data: Mapping[str, Any]) -> list[EmailAddress]:
        is_confirmed = bool(data.get("confirmed_at"))
        return [EmailAddress(email=data.get("email"), verified=is_confirmed, primary=True)]


class MicrosoftAdapter(ForProject, MicrosoftGraphOAuth2Adapter):
    pass


class Microsoft(MicrosoftGraphProvider):
    """Its addresses are what a tenant's administrator wrote, and never verified."""

    oauth2_adapter_class = MicrosoftAdapter

    def get_default_scope(self) -> list[str]:
        return ["User.Read", "offline_access"]


class OpenIdAdapter(ForProject, OpenIDConnectOAuth2Adapter):
    @property
    def openid_config(self) -> dict[str, Any]:
        """What the provider publishes, unless the project says otherwise."""
        settings = self.get_provider().app.settings
        found = discovery.configuration(settings["server_url"]) if settings["server_url"] else {}
        return {**found, **settings["addresses"]}

    def complete_login(self, request: Any, app: Any, token: Any, **exchanged: Any) -> Any:
        config = self.openid_config
        claims: dict[str, Any] = {}
        if "jwks_uri" in config:
            issuer = Issuer((config["issuer"],), config["jwks_uri"], (app.client_id,))
            claims = self.verified(exchanged["response"].get("id_token"), issuer)
        if "userinfo_endpoint" in config:
            claims = _joined(claims, self._fetch_user_info(token.token))
        return self.get_provider().sociallogin_from_response(request, claims)


class OpenId(OpenIDConnectProvider):
    oauth2_adapter_class = OpenIdAdapter

    def extract_email_addresses(self, data: Mapping[str, Any]) -> list[EmailAddress]:
        # Some write the word; any other text would count as true.
        is_verified = data.get("email_verified") in (True, "true")
        return [EmailAddress(email=data.get("email"), verified=is_verified, primary=True)]


def _joined(claims: dict[str, Any], told: Any) -> dict[str, Any]:
    """Add what the user info endpoint tells to the claims of the ID token, of the same person.

    Raises: ProviderError
    """
    if not isinstance(told, dict):
        raise ProviderError("the user info is no object")
    if claims and told.get("sub") != claims["sub"]:
        raise ProviderError("the user info is somebody else's")
    if claims.get("email", told.get("email")) != told.get("email", claims.get("email")):
        raise ProviderError("the ID token and the user info name different addresses")
    if "email" not in claims:
        # What it says of an address, it says of none that it does not name.
        claims = {name: value for name, value in claims.items() if name != "email_verified"}
    return {**claims, **told}


CLASSES: dict[str, type[OAuth2Provider]] = {
    "apple": Apple,
    "discord": Discord,
    "github": GitHub,
    "gitlab": GitLab,
    "google": Google,
    "microsoft": Microsoft,
} | dict.fromkeys(("auth0", "authentik", "fusionauth", "keycloak", "oidc", "okta"), OpenId)


def app_values(provider: Provider, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a client's settings under the names that allauth has for them."""
    if provider.id == "apple":
        return {
            "client_id": settings["serviceId"],
            "secret": settings["keyId"],
            "key": settings["teamId"],
            "settings": {"certificate_key": settings["p8File"]},
        }
    client_id, secret = provider.client(settings)
    further = _FURTHER.get(provider.id)
    return {
        "client_id": client_id,
        "secret": secret,
        "settings": further(settings) if further else {},
    }


def _open_id(settings: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        "authorization_endpoint": settings["authorizationURL"],
        "token_endpoint": settings["tokenURL"],
        "userinfo_endpoint": settings["userInfoURL"],
    }
    return {
        "server_url": settings["wellKnownURL"],
        "addresses": {name: value for name, value in given.items() if value},
    }


def _published(name: str, path: str = "") -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return settings for a server that publishes its configuration below a path."""

    def further(settings: Mapping[str, Any]) -> dict[str, Any]:
        return {"server_url": server_url(settings[name]) + path.format(**settings), "addresses": {}}

    return further


def _okta(settings: Mapping[str, Any]) -> dict[str, Any]:
    named = settings["authorizationServerId"] or DEFAULT_OKTA_SERVER
    return {"server_url": f"{server_url(settings['domain'])}/oauth2/{named}", "addresses": {}}


def _authentik(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What it publishes is below each application's name, these are the same for all."""
    base = f"{server_url(settings['endpoint'])}/application/o"
    paths = {
        "authorization_endpoint": "authorize",
        "token_endpoint": "token",
        "userinfo_endpoint": "userinfo",
    }
    addresses = {name: f"{base}/{path}/" for name, path in paths.items()}
    return {"server_url": "", "addresses": addresses}


_FURTHER: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "auth0": _published("endpoint"),
    "authentik": _authentik,
    "fusionauth": _published("endpoint"),
    "gitlab": lambda settings: {"gitlab_url": (settings["endpoint"] or GITLAB).rstrip("/")},
    "keycloak": _published("endpoint", "/realms/{realmName}"),
    "microsoft": lambda settings: {"tenant": settings["tenant"] or DEFAULT_TENANT},
    "oidc": _open_id,
    "okta": _okta,
}
