"""Endpoints of a project's OAuth2 providers: a path for each, since each has its own settings."""

from dataclasses import fields
from typing import Any, ClassVar

from django.http import HttpRequest

from gateway.operations import Operation, operation
from gateway.views import Answer, Call
from kernel.fields import ABSENT, as_dict, read_input
from projects import services
from projects.inputs.lists import ListInput
from projects.inputs.oauth import OAUTH_PROVIDER_INPUTS, OAuthProviderPathInput
from projects.oauth import PROVIDERS, Provider
from projects.views.addressing import ProjectEndpoint

READ, WRITE = "project.oauth2.read", "project.oauth2.write"


class OAuthProvidersView(ProjectEndpoint):
    @operation("project.listOAuth2Providers", scope=READ, needs_project=True)
    def get(self, call: Call) -> Answer:
        data = read_input(ListInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.list_oauth2_providers(
                caller=call.caller, project_id=project_id, **as_dict(data)
            )
        )


class OAuthProviderView(ProjectEndpoint):
    @operation("project.getOAuth2Provider", scope=READ, needs_project=True)
    def get(self, call: Call) -> Answer:
        data = read_input(OAuthProviderPathInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.get_oauth2_provider(caller=call.caller, project_id=project_id, **as_dict(data))
        )


class NamedProviderView(OAuthProviderView):
    """The path of one provider, where it is changed, too."""

    provider_id: ClassVar[str]

    def _params(self, request: HttpRequest, operation: Operation) -> dict[str, Any]:
        return super()._params(request, operation) | {"providerId": self.provider_id}

    def update(self, call: Call) -> Answer:
        data: Any = read_input(OAUTH_PROVIDER_INPUTS[self.provider_id], call.params)
        given = {
            each.metadata["name"]: value
            for each in fields(data)
            if (value := getattr(data, each.name)) is not ABSENT
        }
        return Answer(
            services.update_oauth2_provider(
                caller=call.caller,
                project_id=self.project_id(call),
                provider_id=self.provider_id,
                enabled=given.pop("enabled", None),
                settings=given,
            )
        )


def _named(provider: Provider) -> type[NamedProviderView]:
    @operation(f"project.updateOAuth2{provider.operation}", scope=WRITE, needs_project=True)
    def patch(self: NamedProviderView, call: Call) -> Answer:
        return self.update(call)

    members = {"provider_id": provider.id, "patch": patch}
    return type(f"{provider.operation}View", (NamedProviderView,), members)


NAMED_VIEWS = {name: _named(provider) for name, provider in PROVIDERS.items()}
