"""Paths below `/account`: what users do for themselves."""

from accounts import cookies, services
from accounts.inputs.accounts import (
    CreateAccountInput,
    NameInput,
    OwnEmailInput,
    OwnPasswordInput,
    OwnPhoneInput,
    PrefsInput,
)
from accounts.inputs.lists import ListInput
from accounts.inputs.sessions import (
    DeleteSessionsInput,
    EmailSessionInput,
    JwtInput,
    ListSessionsInput,
    SessionInput,
)
from accounts.views.sign_in import signed_in
from gateway.operations import RateLimit, operation
from gateway.views import Answer, Call, Endpoint, created, no_content
from kernel.fields import as_dict, read_input

# One budget for both paths, and for every address a guesser calls from.
SIGN_IN_LIMIT = RateLimit(10, ("email:{param-email}",), reset_on=(201,))
JWT_LIMIT = RateLimit(120, ("url:{url},userId:{userId}",), window_seconds=60)


class AccountView(Endpoint):
    @operation("account.create", scope="sessions.write", rate_limit=RateLimit(10))
    def post(self, call: Call) -> Answer:
        data = read_input(CreateAccountInput, call.params)
        return created(services.create_account(caller=call.caller, **as_dict(data)))

    @operation("account.get", scope="account")
    def get(self, call: Call) -> Answer:
        return Answer(services.get_account(caller=call.caller))

    @operation("account.delete", scope="account")
    def delete(self, call: Call) -> Answer:
        services.delete_account(caller=call.caller)
        cookies.sign_out(call)
        return no_content()


class AccountNameView(Endpoint):
    @operation("account.updateName", scope="account")
    def patch(self, call: Call) -> Answer:
        data = read_input(NameInput, call.params)
        return Answer(services.update_name(caller=call.caller, **as_dict(data)))


class AccountEmailView(Endpoint):
    @operation("account.updateEmail", scope="account", is_for_enrolling=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(OwnEmailInput, call.params)
        return Answer(services.update_email(caller=call.caller, **as_dict(data)))


class AccountPhoneView(Endpoint):
    @operation("account.updatePhone", scope="account", is_for_enrolling=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(OwnPhoneInput, call.params)
        return Answer(services.update_phone(caller=call.caller, **as_dict(data)))


class AccountPasswordView(Endpoint):
    @operation("account.updatePassword", scope="account", rate_limit=RateLimit(10))
    def patch(self, call: Call) -> Answer:
        data = read_input(OwnPasswordInput, call.params)
        return Answer(services.update_password(caller=call.caller, **as_dict(data)))


class AccountStatusView(Endpoint):
    @operation("account.updateStatus", scope="account")
    def patch(self, call: Call) -> Answer:
        account = services.update_status(caller=call.caller)
        cookies.sign_out(call)
        return Answer(account)


class AccountPrefsView(Endpoint):
    @operation("account.getPrefs", scope="account")
    def get(self, call: Call) -> Answer:
        return Answer(services.get_prefs(caller=call.caller))

    @operation("account.updatePrefs", scope="account")
    def patch(self, call: Call) -> Answer:
        data = read_input(PrefsInput, call.params)
        return Answer(services.update_prefs(caller=call.caller, **as_dict(data)))


class AccountMembershipsView(Endpoint):
    @operation("account.listMemberships", scope="account")
    def get(self, call: Call) -> Answer:
        data = read_input(ListInput, call.params)
        return Answer(services.list_own_memberships(caller=call.caller, **as_dict(data)))


class EmailSessionsView(Endpoint):
    @operation(
        "account.createEmailPasswordSession", scope="sessions.write", rate_limit=SIGN_IN_LIMIT
    )
    def post(self, call: Call) -> Answer:
        return _sign_in(call)


class SessionsView(Endpoint):
    # The path's older form: `email` and `password` at the list itself.
    post = EmailSessionsView.post

    @operation("account.listSessions", scope="account")
    def get(self, call: Call) -> Answer:
        data = read_input(ListSessionsInput, call.params)
        return Answer(services.list_sessions(caller=call.caller, **as_dict(data)))

    @operation("account.deleteSessions", scope="account", rate_limit=RateLimit(100))
    def delete(self, call: Call) -> Answer:
        data = read_input(DeleteSessionsInput, call.params)
        services.delete_sessions(caller=call.caller, **as_dict(data))
        if data.current:
            cookies.sign_out(call)
        return no_content()


class SessionView(Endpoint):
    @operation("account.getSession", scope="account")
    def get(self, call: Call) -> Answer:
        data = read_input(SessionInput, call.params)
        return Answer(services.get_session(caller=call.caller, **as_dict(data)))

    @operation("account.updateSession", scope="account", rate_limit=RateLimit(10))
    def patch(self, call: Call) -> Answer:
        data = read_input(SessionInput, call.params)
        return Answer(services.update_session(caller=call.caller, **as_dict(data)))

    @operation(
        "account.deleteSession", scope="account", rate_limit=RateLimit(100), is_for_pending=True
    )
    def delete(self, call: Call) -> Answer:
        data = read_input(SessionInput, call.params)
        was_own = services.delete_session(caller=call.caller, **as_dict(data))
        if was_own:
            cookies.sign_out(call)
        return no_content()


class JwtsView(Endpoint):
    @operation("account.createJWT", scope="account", rate_limit=JWT_LIMIT)
    def post(self, call: Call) -> Answer:
        data = read_input(JwtInput, call.params)
        return created(services.create_jwt(caller=call.caller, **as_dict(data)))


def _sign_in(call: Call) -> Answer:
    data = read_input(EmailSessionInput, call.params)
    opened = services.create_email_password_session(caller=call.caller, **as_dict(data))
    return signed_in(call, opened)
