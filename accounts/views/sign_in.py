"""Paths that sign users in without a password."""

from accounts import cookies, services
from accounts.inputs.sessions import (
    EmailTokenInput,
    MagicUrlTokenInput,
    PhoneTokenInput,
    TokenSessionInput,
)
from accounts.inputs.users import CreateTokenInput
from gateway.operations import RateLimit, operation
from gateway.views import Answer, Call, Endpoint, created
from kernel.fields import as_dict, read_input

# One budget for every path that takes a secret of the same user.
SECRET_LIMIT = RateLimit(10, ("ip:{ip},userId:{param-userId}",), reset_on=(201,))
# Messages cost money: one budget for a path and its older twin.
PHONE_LIMIT = RateLimit(10, ("phone:{param-phone}", "phone-ip:{ip}"))


class AnonymousSessionsView(Endpoint):
    @operation(
        "account.createAnonymousSession",
        scope="sessions.write",
        rate_limit=RateLimit(50, ("ip:{ip}",)),
    )
    def post(self, call: Call) -> Answer:
        return signed_in(call, services.create_anonymous_session(caller=call.caller))


class TokenSessionsView(Endpoint):
    @operation("account.createSession", scope="sessions.write", rate_limit=SECRET_LIMIT)
    def post(self, call: Call) -> Answer:
        data = read_input(TokenSessionInput, call.params)
        return signed_in(call, services.create_session(caller=call.caller, **as_dict(data)))


class MagicUrlTokensView(Endpoint):
    @operation(
        "account.createMagicURLToken",
        scope="sessions.write",
        rate_limit=RateLimit(60, ("url:{url},email:{param-email}", "url:{url},ip:{ip}")),
    )
    def post(self, call: Call) -> Answer:
        data = read_input(MagicUrlTokenInput, call.params)
        return created(services.create_magic_url_token(caller=call.caller, **as_dict(data)))


class MagicUrlSessionsView(Endpoint):
    """The older path of both steps."""

    post = MagicUrlTokensView.post

    @operation("account.updateMagicURLSession", scope="sessions.write", rate_limit=SECRET_LIMIT)
    def put(self, call: Call) -> Answer:
        data = read_input(TokenSessionInput, call.params)
        return signed_in(call, services.create_session(caller=call.caller, **as_dict(data)))


class EmailTokensView(Endpoint):
    @operation(
        "account.createEmailToken",
        scope="sessions.write",
        rate_limit=RateLimit(10, ("url:{url},email:{param-email}", "url:{url},ip:{ip}")),
    )
    def post(self, call: Call) -> Answer:
        data = read_input(EmailTokenInput, call.params)
        return created(services.create_email_token(caller=call.caller, **as_dict(data)))


class PhoneTokensView(Endpoint):
    @operation("account.createPhoneToken", scope="sessions.write", rate_limit=PHONE_LIMIT)
    def post(self, call: Call) -> Answer:
        data = read_input(PhoneTokenInput, call.params)
        return created(services.create_phone_token(caller=call.caller, **as_dict(data)))


class PhoneSessionsView(Endpoint):
    """The older path of both steps."""

    post = PhoneTokensView.post

    @operation("account.updatePhoneSession", scope="sessions.write", rate_limit=SECRET_LIMIT)
    def put(self, call: Call) -> Answer:
        data = read_input(TokenSessionInput, call.params)
        return signed_in(call, services.create_session(caller=call.caller, **as_dict(data)))


class UserTokensView(Endpoint):
    @operation("users.createToken", scope="users.write")
    def post(self, call: Call) -> Answer:
        data = read_input(CreateTokenInput, call.params)
        return created(services.create_token(caller=call.caller, **as_dict(data)))


def signed_in(call: Call, opened: services.OpenedSession) -> Answer:
    """Answer a new session: clients keep its secret as a cookie, servers read it."""
    if not call.caller.is_privileged:
        cookies.sign_in(call, opened.packed_secret, opened.lifetime)
    return created(opened.output(call.caller))
