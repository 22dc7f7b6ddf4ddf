"""Paths of passkeys: one's own, and those of a project's users."""

from accounts import services
from accounts.inputs.lists import PageInput
from accounts.inputs.passkeys import (
    CreatePasskeyInput,
    ListUserPasskeysInput,
    PasskeyInput,
    PasskeyNameInput,
    PasskeyTokenInput,
    PasskeyVerificationInput,
    UserPasskeyInput,
    UserPasskeyNameInput,
)
from accounts.views.users import READ, WRITE
from gateway.operations import RateLimit, operation
from gateway.parsing import header
from gateway.views import Answer, Call, Endpoint, created, no_content
from kernel.fields import as_dict, read_input

REGISTRATION_LIMIT = RateLimit(10, ("url:{url},userId:{userId}",))
# Pages may ask for a passkey whenever they are opened, to offer it beside the password.
SIGN_IN_LIMIT = RateLimit(60, ("url:{url},method:{method},ip:{ip}",))
ANSWER_LIMIT = RateLimit(10, ("url:{url},method:{method},ip:{ip}",), reset_on=(201,))


class PasskeysView(Endpoint):
    @operation("account.listPasskeys", scope="account")
    def get(self, call: Call) -> Answer:
        data = read_input(PageInput, call.params)
        return Answer(services.list_passkeys(caller=call.caller, **as_dict(data)))

    @operation("account.createPasskey", scope="account", rate_limit=REGISTRATION_LIMIT)
    def post(self, call: Call) -> Answer:
        data = read_input(CreatePasskeyInput, call.params)
        return created(
            services.create_passkey(caller=call.caller, origin=_origin(call), **as_dict(data))
        )


class PasskeyView(Endpoint):
    @operation("account.getPasskey", scope="account")
    def get(self, call: Call) -> Answer:
        data = read_input(PasskeyInput, call.params)
        return Answer(services.get_passkey(caller=call.caller, **as_dict(data)))

    @operation("account.updatePasskey", scope="account")
    def patch(self, call: Call) -> Answer:
        data = read_input(PasskeyNameInput, call.params)
        return Answer(services.update_passkey(caller=call.caller, **as_dict(data)))

    @operation("account.deletePasskey", scope="account")
    def delete(self, call: Call) -> Answer:
        data = read_input(PasskeyInput, call.params)
        services.delete_passkey(caller=call.caller, **as_dict(data))
        return no_content()


class PasskeyVerificationView(Endpoint):
    @operation("account.updatePasskeyVerification", scope="account", rate_limit=REGISTRATION_LIMIT)
    def put(self, call: Call) -> Answer:
        data = read_input(PasskeyVerificationInput, call.params)
        return Answer(services.update_passkey_verification(caller=call.caller, **as_dict(data)))


class PasskeyTokensView(Endpoint):
    @operation("account.createPasskeyToken", scope="sessions.write", rate_limit=SIGN_IN_LIMIT)
    def post(self, call: Call) -> Answer:
        return created(services.create_passkey_token(caller=call.caller, origin=_origin(call)))

    @operation("account.updatePasskeyToken", scope="sessions.write", rate_limit=ANSWER_LIMIT)
    def put(self, call: Call) -> Answer:
        data = read_input(PasskeyTokenInput, call.params)
        return created(services.update_passkey_token(caller=call.caller, **as_dict(data)))


class UserPasskeysView(Endpoint):
    @operation("users.listPasskeys", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(ListUserPasskeysInput, call.params)
        return Answer(services.list_user_passkeys(caller=call.caller, **as_dict(data)))


class UserPasskeyView(Endpoint):
    @operation("users.getPasskey", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(UserPasskeyInput, call.params)
        return Answer(services.get_user_passkey(caller=call.caller, **as_dict(data)))

    @operation("users.updatePasskey", scope=WRITE)
    def patch(self, call: Call) -> Answer:
        data = read_input(UserPasskeyNameInput, call.params)
        return Answer(services.update_user_passkey(caller=call.caller, **as_dict(data)))

    @operation("users.deletePasskey", scope=WRITE)
    def delete(self, call: Call) -> Answer:
        data = read_input(UserPasskeyInput, call.params)
        services.delete_user_passkey(caller=call.caller, **as_dict(data))
        return no_content()


def _origin(call: Call) -> str:
    return header(call.request.META, "Origin")
