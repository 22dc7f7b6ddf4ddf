"""Paths below `/users`: what keys and console members do with a project's users."""

from accounts import services
from accounts.inputs.lists import ListInput
from accounts.inputs.teams import ListUserMembershipsInput
from accounts.inputs.users import (
    CreateUserInput,
    ListUserSessionsInput,
    UserEmailInput,
    UserEmailVerificationInput,
    UserImpersonatorInput,
    UserInput,
    UserJwtInput,
    UserLabelsInput,
    UserNameInput,
    UserPasswordInput,
    UserPhoneInput,
    UserPhoneVerificationInput,
    UserPrefsInput,
    UserSessionInput,
    UserStatusInput,
)
from gateway.operations import operation
from gateway.views import Answer, Call, Endpoint, created, no_content
from kernel.fields import as_dict, read_input

READ, WRITE = "users.read", "users.write"
READ_SESSIONS = ("users.read", "sessions.read")
WRITE_SESSIONS = ("users.write", "sessions.write")


class UsersView(Endpoint):
    @operation("users.create", scope=WRITE)
    def post(self, call: Call) -> Answer:
        data = read_input(CreateUserInput, call.params)
        return created(services.create_user(caller=call.caller, **as_dict(data)))

    @operation("users.list", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(ListInput, call.params)
        return Answer(services.list_users(caller=call.caller, **as_dict(data)))


class UserView(Endpoint):
    @operation("users.get", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(UserInput, call.params)
        return Answer(services.get_user(caller=call.caller, **as_dict(data)))

    @operation("users.delete", scope=WRITE)
    def delete(self, call: Call) -> Answer:
        data = read_input(UserInput, call.params)
        services.delete_user(caller=call.caller, **as_dict(data))
        return no_content()


class UserNameView(Endpoint):
    @operation("users.updateName", scope=WRITE)
    def patch(self, call: Call) -> Answer:
        data = read_input(UserNameInput, call.params)
        return Answer(services.update_user_name(caller=call.caller, **as_dict(data)))


class UserEmailView(Endpoint):
    @operation("users.updateEmail", scope=WRITE)
    def patch(self, call: Call) -> Answer:
        data = read_input(UserEmailInput, call.params)
        return Answer(services.update_user_email(caller=call.caller, **as_dict(data)))


class UserPhoneView(Endpoint):
    @operation("users.updatePhone", scope=WRITE)
    def patch(self, call: Call) -> Answer:
        data = read_input(UserPhoneInput, call.params)
        return Answer(services.update_user_phone(caller=call.caller, **as_dict(data)))


class UserPasswordView(Endpoint):
    @operation("users.updatePassword", scope=WRITE)
    def patch(self, call: Call) -> Answer:
        data = read_input(UserPasswordInput, call.params)
        return Answer(services.update_user_password(caller=call.caller, **as_dict(data)))


class UserLabelsView(Endpoint):
    @operation("users.updateLabels", scope=WRITE)
    def put(self, call: Call) -> Answer:
        data = read_input(UserLabelsInput, call.params)
        return Answer(services.update_user_labels(caller=call.caller, **as_dict(data)))


class UserImpersonatorView(Endpoint):
    @operation("users.updateImpersonator", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(UserImpersonatorInput, call.params)
        return Answer(services.update_impersonator(caller=call.caller, **as_dict(data)))


class UserStatusView(Endpoint):
    @operation("users.updateStatus", scope=WRITE)
    def patch(self, call: Call) -> Answer:
        data = read_input(UserStatusInput, call.params)
        return Answer(services.update_user_status(caller=call.caller, **as_dict(data)))


class UserVerificationView(Endpoint):
    @operation("users.updateEmailVerification", scope=WRITE)
    def patch(self, call: Call) -> Answer:
        data = read_input(UserEmailVerificationInput, call.params)
        return Answer(services.update_email_verification(caller=call.caller, **as_dict(data)))


class UserPhoneVerificationView(Endpoint):
    @operation("users.updatePhoneVerification", scope=WRITE)
    def patch(self, call: Call) -> Answer:
        data = read_input(UserPhoneVerificationInput, call.params)
        return Answer(services.update_phone_verification(caller=call.caller, **as_dict(data)))


class UserPrefsView(Endpoint):
    @operation("users.getPrefs", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(UserInput, call.params)
        return Answer(services.get_user_prefs(caller=call.caller, **as_dict(data)))

    @operation("users.updatePrefs", scope=WRITE)
    def patch(self, call: Call) -> Answer:
        data = read_input(UserPrefsInput, call.params)
        return Answer(services.update_user_prefs(caller=call.caller, **as_dict(data)))


class UserMembershipsView(Endpoint):
    @operation("users.listMemberships", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(ListUserMembershipsInput, call.params)
        return Answer(services.list_user_memberships(caller=call.caller, **as_dict(data)))


class UserSessionsView(Endpoint):
    @operation("users.listSessions", scope=READ_SESSIONS, is_for_servers=True)
    def get(self, call: Call) -> Answer:
        data = read_input(ListUserSessionsInput, call.params)
        return Answer(services.list_user_sessions(caller=call.caller, **as_dict(data)))

    @operation("users.createSession", scope=WRITE_SESSIONS, is_for_servers=True)
    def post(self, call: Call) -> Answer:
        data = read_input(UserInput, call.params)
        return created(services.create_user_session(caller=call.caller, **as_dict(data)))

    @operation("users.deleteSessions", scope=WRITE_SESSIONS, is_for_servers=True)
    def delete(self, call: Call) -> Answer:
        data = read_input(UserInput, call.params)
        services.delete_user_sessions(caller=call.caller, **as_dict(data))
        return no_content()


class UserSessionView(Endpoint):
    @operation("users.deleteSession", scope=WRITE_SESSIONS, is_for_servers=True)
    def delete(self, call: Call) -> Answer:
        data = read_input(UserSessionInput, call.params)
        services.delete_user_session(caller=call.caller, **as_dict(data))
        return no_content()


class UserJwtsView(Endpoint):
    @operation("users.createJWT", scope=WRITE)
    def post(self, call: Call) -> Answer:
        data = read_input(UserJwtInput, call.params)
        return created(services.create_user_jwt(caller=call.caller, **as_dict(data)))
