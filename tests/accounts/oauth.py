"""A browser that signs in with a provider: it follows redirects and keeps cookies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from kernel.caller import ProjectContext
from projects.services import create_platform, operator, update_oauth2_provider
from tests.accounts.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    IdentityProvider,
    Person,
    query_of,
)
from tests.client import ApiClient, Reply

SUCCESS, FAILURE = "https://app.example.com/in", "https://app.example.com/out?kept=1"


def configure(project: ProjectContext, provider: str, **settings: Any) -> None:
    """Set a provider up, and a platform for the app that uses it."""
    update_oauth2_provider(
        caller=operator(),
        project_id=project.uid,
        provider_id=provider,
        enabled=True,
        settings=settings,
    )


def configure_oidc(project: ProjectContext, idp: IdentityProvider, **settings: Any) -> None:
    known = {"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "wellKnownURL": idp.base}
    configure(project, "oidc", **(known | settings))


def register_app(project: ProjectContext) -> None:
    create_platform(
        caller=operator(),
        project_id=project.uid,
        platform_type="web",
        name="App",
        hostname="app.example.com",
    )


@dataclass
class Browser:
    """A browser's cookies in one project, and what it does with them."""

    project: ProjectContext
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, query: Mapping[str, Any] | None = None, **headers: str) -> Reply:
        asked = {"project": self.project.uid, **(query or {})}
        reply = ApiClient(self.headers, self.cookies).get(path, asked, **headers)
        self._keep(reply)
        return reply

    def account(self) -> Reply:
        client = ApiClient({"X-Appwrite-Project": self.project.uid}, self.cookies)
        return client.get("/account")

    def depart(self, provider: str = "oidc", *, path: str = "sessions", **parameters: Any) -> Reply:
        asked = {"success": SUCCESS, "failure": FAILURE, **parameters}
        return self.get(f"/account/{path}/oauth2/{provider}", asked)

    def come_back(self, provider: str, sent: Mapping[str, str]) -> Reply:
        """Follow the redirects from the provider on, to the last one of this server."""
        forwarded = self.get(f"/account/sessions/oauth2/callback/{provider}/blog", sent)
        assert forwarded.status == 301, forwarded.json
        parts = urlsplit(forwarded.headers["Location"])
        assert parts.path == f"/v1/account/sessions/oauth2/{provider}/redirect"
        return self.get(parts.path.removeprefix("/v1"), query_of(parts.geturl()))

    def sign_in(
        self,
        idp: IdentityProvider,
        person: Person | None = None,
        *,
        provider: str = "oidc",
        path: str = "sessions",
        **parameters: Any,
    ) -> Reply:
        """Go the whole way; returns the answer that leads back to the app."""
        departure = self.depart(provider, path=path, **parameters)
        assert departure.status == 301, departure.json
        sent = idp.approve(departure.headers["Location"], person)
        return self.come_back(provider, sent)

    def _keep(self, reply: Reply) -> None:
        for name, cookie in reply.cookies.items():
            if cookie["max-age"] == 0:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = cookie.value


def told(reply: Reply) -> dict[str, str]:
    """Return the parameters an app is told in the URL its user comes back to."""
    assert reply.status == 301, reply.json
    return query_of(reply.headers["Location"])


def error_of(reply: Reply) -> str:
    """Return the error an app is told at its failure URL."""
    assert reply.headers["Location"].startswith(FAILURE.partition("?")[0]), reply.headers
    said = told(reply)
    assert said["kept"] == "1"
    error = orjson.loads(said["error"])
    assert set(error) == {"message", "type", "code"}
    assert error["message"]
    return str(error["type"])
