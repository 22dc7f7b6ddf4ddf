"""Endpoints that tell a console client what it can offer."""

from gateway.operations import operation
from gateway.views import Answer, Call, Endpoint
from projects.outputs import scope_list_output


class ProjectScopesView(Endpoint):
    @operation("console.listProjectScopes", scope="public")
    def get(self, call: Call) -> Answer:
        return Answer(scope_list_output())
