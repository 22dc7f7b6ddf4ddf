"""The OAuth2 providers a project can sign its users in with, and what each asks to be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.conf import settings

from kernel.addresses import url
from kernel.fields import Check, boolean, integer, list_of, one_of, text
from kernel.limits import MAX_INTEGER, MAX_URL_LENGTH

#: Where providers send browsers back to; some have a page of theirs post there.
CALLBACK_PATH = "/v1/account/sessions/oauth2/callback/"
MAX_ID_LENGTH = 256
MAX_SECRET_LENGTH = 512
MAX_KEY_FILE_LENGTH = 4096
MAX_NATIVE_CLIENTS = 100

_id = text(MAX_ID_LENGTH)
_secret = text(MAX_SECRET_LENGTH)


def web_url(value: object) -> str:
    """An address of the web, or nothing."""
    if value == "":
        return ""
    clean = url(value)
    if len(clean) > MAX_URL_LENGTH or not clean.lower().startswith(("https://", "http://")):
        raise ValueError("Value must be a valid URL of the scheme http or https")
    return clean


def server(value: object) -> str:
    """The address of a provider's own server, without `https://` and what follows the host."""
    clean: str = text(MAX_ID_LENGTH)(value)
    web_url(server_url(clean))
    return clean


def server_url(address: str) -> str:
    """Return a server's address with its scheme, and without a slash at its end."""
    whole = address if not address or "://" in address else f"https://{address}"
    return whole.rstrip("/")


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that a provider asks for, by its public name.

    What is `needed` has to be there before users can be sent to the provider; a secret is stored
    encrypted and never answered.
    """

    name: str
    check: Check
    default: Any = ""
    is_secret: bool = False
    is_needed: bool = False
    is_nullable: bool = False


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider: its public id, the word for it in operation names, and its settings."""

    id: str
    title: str
    operation: str
    settings: tuple[Setting, ...]

    def with_defaults(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {each.name: given.get(each.name, each.default) for each in self.settings}

    def client(self, values: Mapping[str, Any]) -> tuple[str, str]:
        """Return the two words a client is known by, which each provider calls otherwise."""
        words = [values[each.name] for each in self.settings if each.is_needed]
        return words[0], words[1]

    def lacks(self, values: Mapping[str, Any]) -> list[str]:
        """Return the names of what is needed and empty."""
        return [each.name for each in self.settings if each.is_needed and not values[each.name]]


def _key(name: str) -> Setting:
    return Setting(name, _id, is_needed=True)


def _hidden(name: str, check: Check = _secret) -> Setting:
    return Setting(name, check, is_secret=True, is_needed=True)


def _prompt(*words: str, default: tuple[str, ...] = ()) -> Setting:
    check = list_of(one_of(words), maximum=len(words))
    return Setting("prompt", check, default=list(default))


#: Apps that sign in on the device itself and hand over the provider's ID token.
_NATIVE = (
    Setting("nativeClientIds", list_of(_id, maximum=MAX_NATIVE_CLIENTS), default=[]),
    Setting("nativeEnabled", boolean, default=False),
)
_CLIENT = (_key("clientId"), _hidden("clientSecret"))


def _simple(
    id_: str,
    title: str,
    operation: str = "",
    *,
    names: tuple[str, str] = ("clientId", "clientSecret"),
    more: tuple[Setting, ...] = (),
) -> Provider:
    """Return a provider that asks for little but the two words a client is known by."""
    return Provider(id_, title, operation or title, (_key(names[0]), _hidden(names[1]), *more))


_ENDPOINT = Setting("endpoint", server, is_needed=True)
_OFFERED = (
    Provider(
        "apple",
        "Apple",
        "Apple",
        (
            _key("serviceId"),
            _key("keyId"),
            _key("teamId"),
            _hidden("p8File", text(MAX_KEY_FILE_LENGTH)),
            *_NATIVE,
        ),
    ),
    Provider("discord", "Discord", "Discord", (*_CLIENT, _prompt("none", "consent"))),
    Provider("github", "GitHub", "GitHub", (*_CLIENT, _prompt("select_account"))),
    Provider(
        "gitlab",
        "GitLab",
        "Gitlab",
        (_key("applicationId"), _hidden("secret"), Setting("endpoint", web_url)),
    ),
    Provider(
        "google",
        "Google",
        "Google",
        (
            *_CLIENT,
            _prompt("none", "consent", "select_account", default=("consent",)),
            *_NATIVE,
        ),
    ),
    Provider(
        "microsoft",
        "Microsoft",
        "Microsoft",
        (
            _key("applicationId"),
            _hidden("applicationSecret"),
            Setting("tenant", _id),
            _prompt("none", "login", "consent", "select_account"),
        ),
    ),
    Provider(
        "oidc",
        "OpenID Connect",
        "Oidc",
        (
            *_CLIENT,
            Setting("wellKnownURL", web_url),
            Setting("authorizationURL", web_url),
            Setting("tokenURL", web_url),
            Setting("userInfoURL", web_url),
            _prompt("none", "login", "consent", "select_account"),
            Setting("maxAge", integer(0, MAX_INTEGER), default=None, is_nullable=True),
        ),
    ),
    _simple("amazon", "Amazon"),
    _simple("auth0", "Auth0", more=(_ENDPOINT, _prompt("none", "login", "consent"))),
    _simple("authentik", "Authentik", more=(_ENDPOINT,)),
    _simple("bitbucket", "Bitbucket", names=("key", "secret")),
    _simple("box", "Box"),
    _simple("disqus", "Disqus", names=("publicKey", "secretKey")),
    _simple("dropbox", "Dropbox", names=("appKey", "appSecret")),
    _simple("facebook", "Facebook", names=("appId", "appSecret")),
    _simple("figma", "Figma"),
    _simple("fusionauth", "FusionAuth", more=(_ENDPOINT,)),
    _simple("kakao", "Kakao", more=(_prompt("none", "login", "create", "select_account"),)),
    _simple("keycloak", "Keycloak", more=(_ENDPOINT, _key("realmName"))),
    _simple(
        "okta",
        "Okta",
        more=(
            Setting("domain", server, is_needed=True),
            Setting("authorizationServerId", _id),
            _prompt("none", "login", "consent"),
        ),
    ),
    _simple("slack", "Slack"),
    _simple("spotify", "Spotify"),
    _simple("twitch", "Twitch"),
    _simple("x", "X", names=("customerKey", "secretKey")),
    _simple("yahoo", "Yahoo"),
    _simple("yandex", "Yandex"),
    _simple("zoho", "Zoho", more=(_prompt("consent"),)),
    _simple("zoom", "Zoom"),
)
PROVIDERS = {each.id: each for each in sorted(_OFFERED, key=attrgetter("id"))}
_KNOWN = (
    "amazon apple appwrite auth0 authentik autodesk bitbucket bitly box cloudflare dailymotion"
    " discord disqus dropbox etsy facebook figma fusionauth github gitlab google huggingface kakao"
    " keycloak kick linkedin microsoft notion oidc okta paypal paypalSandbox podio resend"
    " salesforce slack spotify stripe tiktok tradeshift tradeshiftBox twitch webflow wordpress x"
    " yahoo yammer yandex zoho zoom"
)
#: Every name the public API knows; those not above are not offered here.
KNOWN_IDS = tuple(_KNOWN.split())


@dataclass(frozen=True, slots=True)
class Client:
    """A project as one provider knows it: all its settings, the secret ones included."""

    provider: Provider
    settings: Mapping[str, Any]


def callback_url(provider_id: str, project_uid: str) -> str:
    """Return where a provider sends users back to: it has to be told so beforehand."""
    return f"{settings.PUBLIC_URL}{CALLBACK_PATH}{provider_id}/{project_uid}"
