"""Endpoints of API keys."""

from gateway.operations import operation
from gateway.views import Answer, Call, created, no_content
from kernel.fields import as_dict, read_input
from projects import services
from projects.inputs.keys import CreateKeyInput, KeyPathInput, UpdateKeyInput
from projects.inputs.lists import ListInput
from projects.views.addressing import ProjectEndpoint


class KeysView(ProjectEndpoint):
    """A project's keys."""

    @operation(
        "project.createKey",
        "projects.createKey",
        scope="keys.write",
        twin_scope=("keys.write", "projects.write"),
    )
    def post(self, call: Call) -> Answer:
        data = read_input(CreateKeyInput, call.params)
        project_id = self.project_id(call)
        return created(
            services.create_key(caller=call.caller, project_id=project_id, **as_dict(data))
        )

    @operation(
        "project.listKeys",
        "projects.listKeys",
        scope="keys.read",
        twin_scope=("keys.read", "projects.read"),
    )
    def get(self, call: Call) -> Answer:
        data = read_input(ListInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.list_keys(caller=call.caller, project_id=project_id, **as_dict(data))
        )


class KeyView(ProjectEndpoint):
    """One key."""

    @operation(
        "project.getKey",
        "projects.getKey",
        scope="keys.read",
        twin_scope=("keys.read", "projects.read"),
    )
    def get(self, call: Call) -> Answer:
        data = read_input(KeyPathInput, call.params)
        project_id = self.project_id(call)
        return Answer(services.get_key(caller=call.caller, project_id=project_id, **as_dict(data)))

    @operation(
        "project.updateKey",
        "projects.updateKey",
        scope="keys.write",
        twin_scope=("keys.write", "projects.write"),
    )
    def put(self, call: Call) -> Answer:
        data = read_input(UpdateKeyInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.update_key(caller=call.caller, project_id=project_id, **as_dict(data))
        )

    @operation(
        "project.deleteKey",
        "projects.deleteKey",
        scope="keys.write",
        twin_scope=("keys.write", "projects.write"),
    )
    def delete(self, call: Call) -> Answer:
        data = read_input(KeyPathInput, call.params)
        project_id = self.project_id(call)
        services.delete_key(caller=call.caller, project_id=project_id, **as_dict(data))
        return no_content()
