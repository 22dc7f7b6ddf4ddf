"""Endpoints of a project's mock phones."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from gateway.operations import operation
from gateway.views import Answer, Call, created, no_content
from kernel.fields import as_dict, read_input
from projects import services
from projects.inputs.lists import ListInput
from projects.inputs.mock_phones import (
    CreateMockPhoneInput,
    MockNumbersInput,
    MockPhonePathInput,
    UpdateMockPhoneInput,
)
from projects.views.addressing import ProjectEndpoint

READ, WRITE = "mocks.read", "mocks.write"


class MockPhonesView(ProjectEndpoint):
    """A project's mock phones."""

    @operation("project.listMockPhones", scope=READ, needs_project=True)
    def get(self, call: Call) -> Answer:
        data = read_input(ListInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.list_mock_phones(caller=call.caller, project_id=project_id, **as_dict(data))
        )

    @operation("project.createMockPhone", scope=WRITE, needs_project=True)
    def post(self, call: Call) -> Answer:
        data = read_input(CreateMockPhoneInput, call.params)
        project_id = self.project_id(call)
        return created(
            services.create_mock_phone(caller=call.caller, project_id=project_id, **as_dict(data))
        )


class MockPhoneView(ProjectEndpoint):
    """One mock phone, by its number, whose plus may be left out of the path."""

    def dispatch(self, request: HttpRequest, *args: Any, **path: str) -> HttpResponseBase:
        path["number"] = path["number"].removeprefix("+")
        return super().dispatch(request, *args, **path)

    @operation("project.getMockPhone", scope=READ, needs_project=True)
    def get(self, call: Call) -> Answer:
        data = read_input(MockPhonePathInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.get_mock_phone(caller=call.caller, project_id=project_id, **as_dict(data))
        )

    @operation("project.updateMockPhone", scope=WRITE, needs_project=True)
    def put(self, call: Call) -> Answer:
        data = read_input(UpdateMockPhoneInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.update_mock_phone(caller=call.caller, project_id=project_id, **as_dict(data))
        )

    @operation("project.deleteMockPhone", scope=WRITE, needs_project=True)
    def delete(self, call: Call) -> Answer:
        data = read_input(MockPhonePathInput, call.params)
        project_id = self.project_id(call)
        services.delete_mock_phone(caller=call.caller, project_id=project_id, **as_dict(data))
        return no_content()


class MockNumbersView(ProjectEndpoint):
    """All mock phones of a project at once, as older consoles set them."""

    @operation("projects.patchProjectsProjectIdAuthMockNumbers", scope="projects.write")
    def patch(self, call: Call) -> Answer:
        data = read_input(MockNumbersInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.replace_mock_phones(caller=call.caller, project_id=project_id, **as_dict(data))
        )
