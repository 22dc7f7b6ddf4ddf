"""Paths of targets: a user's own devices, and all of a user's for servers."""

from accounts import services
from accounts.inputs.targets import (
    CreatePushTargetInput,
    CreateTargetInput,
    ListTargetsInput,
    PushTargetInput,
    TargetInput,
    UpdatePushTargetInput,
    UpdateTargetInput,
)
from gateway.operations import operation
from gateway.views import Answer, Call, Endpoint, created, no_content
from kernel.fields import as_dict, read_input

OWN = "targets.write"
READ, WRITE = "users.read", "users.write"


class PushTargetsView(Endpoint):
    @operation("account.createPushTarget", scope=OWN)
    def post(self, call: Call) -> Answer:
        data = read_input(CreatePushTargetInput, call.params)
        return created(services.create_push_target(caller=call.caller, **as_dict(data)))


class PushTargetView(Endpoint):
    @operation("account.updatePushTarget", scope=OWN)
    def put(self, call: Call) -> Answer:
        data = read_input(UpdatePushTargetInput, call.params)
        return Answer(services.update_push_target(caller=call.caller, **as_dict(data)))

    @operation("account.deletePushTarget", scope=OWN)
    def delete(self, call: Call) -> Answer:
        data = read_input(PushTargetInput, call.params)
        services.delete_push_target(caller=call.caller, **as_dict(data))
        return no_content()


class TargetsView(Endpoint):
    @operation("users.listTargets", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(ListTargetsInput, call.params)
        return Answer(services.list_targets(caller=call.caller, **as_dict(data)))

    @operation("users.createTarget", scope=WRITE)
    def post(self, call: Call) -> Answer:
        data = read_input(CreateTargetInput, call.params)
        return created(services.create_target(caller=call.caller, **as_dict(data)))


class TargetView(Endpoint):
    @operation("users.getTarget", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(TargetInput, call.params)
        return Answer(services.get_target(caller=call.caller, **as_dict(data)))

    @operation("users.updateTarget", scope=WRITE)
    def patch(self, call: Call) -> Answer:
        data = read_input(UpdateTargetInput, call.params)
        return Answer(services.update_target(caller=call.caller, **as_dict(data)))

    @operation("users.deleteTarget", scope=WRITE)
    def delete(self, call: Call) -> Answer:
        data = read_input(TargetInput, call.params)
        services.delete_target(caller=call.caller, **as_dict(data))
        return no_content()
