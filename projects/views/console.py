"""Endpoints that tell a console client what it can offer."""

from urllib.parse import urlsplit

from django.conf import settings

from gateway.operations import operation
from gateway.views import Answer, Call, Endpoint
from projects.outputs import console_variables_output, scope_list_output


class ProjectScopesView(Endpoint):
    @operation("console.listProjectScopes", scope="public")
    def get(self, call: Call) -> Answer:
        return Answer(scope_list_output())


class VariablesView(Endpoint):
    @operation("console.variables", scope="projects.read")
    def get(self, call: Call) -> Answer:
        url = urlsplit(settings.PUBLIC_URL)
        return Answer(
            console_variables_output(domain=url.hostname or "", is_https=url.scheme == "https")
        )
