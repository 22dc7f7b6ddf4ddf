"""Paths below `/users` that import users with the password hashes of other systems."""

from typing import Any

from django.http import HttpRequest

from accounts import services
from accounts.inputs.imports import (
    ImportScryptModifiedUserInput,
    ImportScryptUserInput,
    ImportShaUserInput,
    ImportUserInput,
)
from accounts.views.users import WRITE, UserView
from gateway.operations import Operation, operation
from gateway.views import Answer, Call, created
from kernel.fields import as_dict, read_input


class ImportView(UserView):
    """A path that is at once the one of a user who has the algorithm's name for an id."""

    def _params(self, request: HttpRequest, operation: Operation) -> dict[str, Any]:
        params = super()._params(request, operation)
        if request.method == "POST":
            return params
        return params | {"userId": request.path.rpartition("/")[2]}


class Argon2UsersView(ImportView):
    @operation("users.createArgon2User", scope=WRITE)
    def post(self, call: Call) -> Answer:
        data = read_input(ImportUserInput, call.params)
        return created(services.create_argon2_user(caller=call.caller, **as_dict(data)))


class BcryptUsersView(ImportView):
    @operation("users.createBcryptUser", scope=WRITE)
    def post(self, call: Call) -> Answer:
        data = read_input(ImportUserInput, call.params)
        return created(services.create_bcrypt_user(caller=call.caller, **as_dict(data)))


class Md5UsersView(ImportView):
    @operation("users.createMD5User", scope=WRITE)
    def post(self, call: Call) -> Answer:
        data = read_input(ImportUserInput, call.params)
        return created(services.create_md5_user(caller=call.caller, **as_dict(data)))


class PhpassUsersView(ImportView):
    @operation("users.createPHPassUser", scope=WRITE)
    def post(self, call: Call) -> Answer:
        data = read_input(ImportUserInput, call.params)
        return created(services.create_phpass_user(caller=call.caller, **as_dict(data)))


class ShaUsersView(ImportView):
    @operation("users.createSHAUser", scope=WRITE)
    def post(self, call: Call) -> Answer:
        data = read_input(ImportShaUserInput, call.params)
        return created(services.create_sha_user(caller=call.caller, **as_dict(data)))


class ScryptUsersView(ImportView):
    @operation("users.createScryptUser", scope=WRITE)
    def post(self, call: Call) -> Answer:
        data = read_input(ImportScryptUserInput, call.params)
        return created(services.create_scrypt_user(caller=call.caller, **as_dict(data)))


class ScryptModifiedUsersView(ImportView):
    @operation("users.createScryptModifiedUser", scope=WRITE)
    def post(self, call: Call) -> Answer:
        data = read_input(ImportScryptModifiedUserInput, call.params)
        return created(services.create_scrypt_modified_user(caller=call.caller, **as_dict(data)))
