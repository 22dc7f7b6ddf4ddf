"""Endpoints of projects."""

from gateway.operations import operation
from gateway.views import Answer, Call, Endpoint, created, no_content
from kernel.fields import as_dict, read_input
from projects import services
from projects.inputs.lists import ListProjectsInput
from projects.inputs.projects import (
    CreateProjectInput,
    SmtpInput,
    UpdateProjectInput,
    UpdateProtocolInput,
    UpdateServiceInput,
    UpdateTeamInput,
)
from projects.views.addressing import ProjectEndpoint


class ProjectsView(Endpoint):
    """The projects of a console user's teams."""

    @operation("projects.createProject", scope="projects.write")
    def post(self, call: Call) -> Answer:
        data = read_input(CreateProjectInput, call.params)
        return created(services.create_project(caller=call.caller, **as_dict(data)))

    @operation("projects.listProjects", scope="projects.read")
    def get(self, call: Call) -> Answer:
        data = read_input(ListProjectsInput, call.params)
        return Answer(services.list_projects(caller=call.caller, **as_dict(data)))


class ProjectView(ProjectEndpoint):
    """One project."""

    @operation(
        "project.get",
        "projects.getProject",
        scope="project.read",
        twin_scope=("project.read", "projects.read"),
    )
    def get(self, call: Call) -> Answer:
        project_id = self.project_id(call)
        return Answer(services.get_project(caller=call.caller, project_id=project_id))

    @operation(
        "project.delete",
        "projects.deleteProject",
        scope="project.write",
        twin_scope=("project.write", "projects.write"),
    )
    def delete(self, call: Call) -> Answer:
        services.delete_project(caller=call.caller, project_id=self.project_id(call))
        return no_content()


class NamedProjectView(ProjectView):
    """One project, by its path."""

    @operation("projects.updateProject", scope="projects.write")
    def patch(self, call: Call) -> Answer:
        data = read_input(UpdateProjectInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.update_project(caller=call.caller, project_id=project_id, **as_dict(data))
        )


class ProjectTeamView(ProjectEndpoint):
    """The team that owns a project."""

    @operation("projects.updateTeam", scope="projects.write")
    def patch(self, call: Call) -> Answer:
        data = read_input(UpdateTeamInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.update_team(caller=call.caller, project_id=project_id, **as_dict(data))
        )


class SmtpView(ProjectEndpoint):
    """The mail server of a project."""

    @operation("project.updateSMTP", scope="project.write", needs_project=True)
    def patch(self, call: Call) -> Answer:
        fields = as_dict(read_input(SmtpInput, call.params))
        project = services.update_smtp(
            caller=call.caller,
            project_id=self.project_id(call),
            fields={name: value for name, value in fields.items() if value is not None},
        )
        return Answer(project)


class ProjectServiceView(ProjectEndpoint):
    """The switch of one service."""

    @operation("project.updateService", scope="project.write", needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(UpdateServiceInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.update_service(caller=call.caller, project_id=project_id, **as_dict(data))
        )


class ProjectProtocolView(ProjectEndpoint):
    """The switch of one interface."""

    @operation("project.updateProtocol", scope="project.write", needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(UpdateProtocolInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.update_protocol(caller=call.caller, project_id=project_id, **as_dict(data))
        )
