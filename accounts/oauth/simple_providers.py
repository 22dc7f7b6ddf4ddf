"""Providers whose classes in allauth need nothing but a project's client: one row for each.

An address counts as verified only where the provider's own word for it is true, whatever allauth's
class makes of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.providers.amazon.provider import AmazonProvider
from allauth.socialaccount.providers.bitbucket_oauth2.provider import BitbucketOAuth2Provider
from allauth.socialaccount.providers.box.provider import BoxOAuth2Provider
from allauth.socialaccount.providers.disqus.provider import DisqusProvider
from allauth.socialaccount.providers.dropbox.provider import DropboxOAuth2Provider
from allauth.socialaccount.providers.facebook.provider import FacebookProvider
from allauth.socialaccount.providers.figma.provider import FigmaProvider
from allauth.socialaccount.providers.kakao.provider import KakaoProvider
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from allauth.socialaccount.providers.slack.provider import SlackProvider
from allauth.socialaccount.providers.spotify.provider import SpotifyOAuth2Provider
from allauth.socialaccount.providers.twitch.provider import TwitchProvider
from allauth.socialaccount.providers.twitter_oauth2.provider import TwitterOAuth2Provider
from allauth.socialaccount.providers.yahoo.provider import YahooProvider
from allauth.socialaccount.providers.yandex.provider import YandexProvider
from allauth.socialaccount.providers.zoho.provider import ZohoProvider
from allauth.socialaccount.providers.zoom.provider import ZoomProvider

from accounts.oauth.providers import ForProject


@dataclass(frozen=True, slots=True)
class Row:
    """A class of allauth's, the scopes to ask for, and where a profile says an address is verified.

    The last are paths of keys with dots, all true of a verified one; none where the provider never
    says so.
    """

    base: type[OAuth2Provider]
    scopes: tuple[str, ...] = ()
    verified_at: tuple[str, ...] = ()


ROWS = {
    "amazon": Row(AmazonProvider, ("profile",)),
    "bitbucket": Row(BitbucketOAuth2Provider, ("account", "email")),
    "box": Row(BoxOAuth2Provider),
    "disqus": Row(DisqusProvider, ("read", "email")),
    "dropbox": Row(DropboxOAuth2Provider, ("account_info.read",), ("email_verified",)),
    "facebook": Row(FacebookProvider, ("email", "public_profile")),
    "figma": Row(FigmaProvider, ("current_user:read",)),
    # An address that another account has proved since stays verified there, but is valid no more.
    "kakao": Row(
        KakaoProvider,
        ("account_email", "profile_nickname"),
        ("kakao_account.is_email_valid", "kakao_account.is_email_verified"),
    ),
    "slack": Row(SlackProvider, ("openid", "profile", "email"), ("email_verified",)),
    "spotify": Row(SpotifyOAuth2Provider, ("user-read-email",)),
    "twitch": Row(TwitchProvider, ("user:read:email",)),
    "x": Row(TwitterOAuth2Provider, ("users.read", "tweet.read", "offline.access")),
    "yahoo": Row(YahooProvider, ("openid", "profile", "email"), ("email_verified",)),
    "yandex": Row(YandexProvider, ("login:info", "login:email")),
    "zoho": Row(ZohoProvider, ("aaaserver.profile.READ",)),
    "zoom": Row(ZoomProvider, ("user:read:user",)),
}


def _made(row: Row) -> type[OAuth2Provider]:
    """Return a row's class, made to work for one project at a time."""

    def get_default_scope(_self: Any) -> list[str]:
        return list(row.scopes)

    def extract_email_addresses(self: Any, data: Mapping[str, Any]) -> list[EmailAddress]:
        email = self.extract_common_fields(data).get("email") or data.get("email")
        said = [_at(data, path) is True for path in row.verified_at]
        is_verified = bool(said) and all(said)
        return [EmailAddress(email=email, verified=is_verified, primary=True)] if email else []

    name, adapter = row.base.__name__, row.base.oauth2_adapter_class
    # In the address of a request by GET allauth leaves out what proves who began the sign-in.
    posting = type(adapter.__name__, (ForProject, adapter), {"access_token_method": "POST"})
    members = {
        "oauth2_adapter_class": posting,
        "get_default_scope": get_default_scope,
        "extract_email_addresses": extract_email_addresses,
    }
    return type(name, (row.base,), members)


def _at(data: Any, path: str) -> Any:
    for key in path.split("."):
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


SIMPLE_CLASSES = {id_: _made(row) for id_, row in ROWS.items()}
