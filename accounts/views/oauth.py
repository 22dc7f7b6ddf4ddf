"""Paths by which users sign in with an OAuth2 provider, and of their identities there.

Browsers are led along most of these by redirects, which no cache may keep.
"""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpResponse

from accounts import cookies, services
from accounts.inputs.lists import ListInput
from accounts.inputs.oauth import (
    IdentityInput,
    IdTokenSessionInput,
    OAuth2CallbackInput,
    OAuth2ForwardInput,
    OAuth2SessionInput,
    OAuth2TokenInput,
    OwnIdentitiesInput,
)
from accounts.views.sign_in import signed_in
from gateway.operations import RateLimit, operation
from gateway.parsing import header
from gateway.views import Answer, Call, Endpoint, no_content
from kernel.errors import ApiError, ErrorKind
from kernel.fields import as_dict, read_input

# One budget for the ways there and back, each.
DEPARTURE_LIMIT = RateLimit(50, ("ip:{ip}",))
RETURN_LIMIT = RateLimit(50, ("ip:{ip},method:{method}",))
PATH = "/v1/account/sessions/oauth2"


class OAuth2SessionView(Endpoint):
    @operation("account.createOAuth2Session", scope="sessions.write", rate_limit=DEPARTURE_LIMIT)
    def get(self, call: Call) -> HttpResponse:
        data = read_input(OAuth2SessionInput, call.params)
        return _depart(
            call, lambda: services.create_oauth2_session(caller=call.caller, **as_dict(data))
        )


class OAuth2TokenView(Endpoint):
    @operation("account.createOAuth2Token", scope="sessions.write", rate_limit=DEPARTURE_LIMIT)
    def get(self, call: Call) -> HttpResponse:
        data = read_input(OAuth2TokenInput, call.params)
        return _depart(
            call, lambda: services.create_oauth2_token(caller=call.caller, **as_dict(data))
        )


class OAuth2CallbackView(Endpoint):
    """Where providers send browsers: it leads on to where cookies and project are as usual."""

    @operation("account.getAccountSessionsOauth2CallbackProviderProjectId", scope="public")
    def get(self, call: Call) -> HttpResponse:
        return _forward(call)

    @operation("account.postAccountSessionsOauth2CallbackProviderProjectId", scope="public")
    def post(self, call: Call) -> HttpResponse:
        return _forward(call)


class OAuth2RedirectView(Endpoint):
    @operation(
        "account.getAccountSessionsOauth2ProviderRedirect",
        scope="public",
        rate_limit=RETURN_LIMIT,
    )
    def get(self, call: Call) -> HttpResponse:
        data = as_dict(read_input(OAuth2CallbackInput, call.params))
        back = services.finish_oauth2(
            caller=call.caller,
            provider=data.pop("provider"),
            callback=services.OAuth2Callback(**data),
            cookies=cookies.flow_cookies(call.request),
        )
        cookies.forget_flow(call, back.flow_uid)
        if back.opened is not None:
            cookies.sign_in(call, back.opened.packed_secret, back.opened.lifetime)
        return _redirect(back.url)


class IdTokenSessionsView(Endpoint):
    @operation("account.createIdTokenSession", scope="sessions.write")
    def post(self, call: Call) -> Answer:
        data = read_input(IdTokenSessionInput, call.params)
        opened = services.create_id_token_session(caller=call.caller, **as_dict(data))
        return signed_in(call, opened)


class OwnIdentitiesView(Endpoint):
    @operation("account.listIdentities", scope="account")
    def get(self, call: Call) -> Answer:
        data = read_input(OwnIdentitiesInput, call.params)
        return Answer(services.list_own_identities(caller=call.caller, **as_dict(data)))


class OwnIdentityView(Endpoint):
    @operation("account.deleteIdentity", scope="account")
    def delete(self, call: Call) -> Answer:
        data = read_input(IdentityInput, call.params)
        services.delete_own_identity(caller=call.caller, **as_dict(data))
        return no_content()


class IdentitiesView(Endpoint):
    @operation("users.listIdentities", scope="users.read")
    def get(self, call: Call) -> Answer:
        data = read_input(ListInput, call.params)
        return Answer(services.list_identities(caller=call.caller, **as_dict(data)))


class IdentityView(Endpoint):
    @operation("users.deleteIdentity", scope="users.write")
    def delete(self, call: Call) -> Answer:
        data = read_input(IdentityInput, call.params)
        services.delete_identity(caller=call.caller, **as_dict(data))
        return no_content()


def _depart(call: Call, begin: Callable[[], services.OAuth2Departure]) -> HttpResponse:
    if call.caller.is_user and _is_led_by_strangers(call):
        # Else a page could have its own identity added to whoever looks at it.
        raise ApiError(ErrorKind.UNKNOWN_ORIGIN)
    departure = begin()
    if departure.cookie:
        cookies.remember_flow(call, departure.flow_uid, departure.cookie)
    return _redirect(departure.url)


def _is_led_by_strangers(call: Call) -> bool:
    """Tell whether a page of somebody else's brought a browser here."""
    meta, project = call.request.META, call.caller.project
    page = header(meta, "Referer")
    if page:
        own_host = urlsplit(settings.PUBLIC_URL).hostname or ""
        return not project.accepts_origin(page, own_host)
    return header(meta, "Sec-Fetch-Site") == "cross-site"


def _forward(call: Call) -> HttpResponse:
    data = read_input(OAuth2ForwardInput, call.params)
    sent = {
        "project": data.project_id,
        "code": data.code,
        "state": data.state,
        "error": data.error,
        "error_description": data.error_description,
        "user": data.user,
    }
    query = urlencode({name: value for name, value in sent.items() if value})
    return _redirect(f"{settings.PUBLIC_URL}{PATH}/{data.provider}/redirect?{query}")


def _redirect(url: str) -> HttpResponse:
    response = HttpResponse(status=301, content_type="text/plain; charset=UTF-8")
    response.headers["Location"] = url
    response.headers["Cache-Control"] = "no-store"
    return response
