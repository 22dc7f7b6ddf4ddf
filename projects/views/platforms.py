"""Endpoints of platforms: the current ones have a path for each type, the older ones share one."""

from typing import Any

from gateway.operations import operation
from gateway.views import Answer, Call, created, no_content
from kernel.fields import as_dict, read_input
from projects import services
from projects.catalog import ANDROID, APPLE, IDENTIFIERS, LINUX, WEB, WINDOWS
from projects.inputs.lists import ListInput
from projects.inputs.platforms import (
    CreateAppPlatformInput,
    CreatePlatformInput,
    CreateWebPlatformInput,
    PlatformPathInput,
    UpdateAppPlatformInput,
    UpdatePlatformInput,
    UpdateWebPlatformInput,
)
from projects.views.addressing import ProjectEndpoint

READ, WRITE = "platforms.read", "platforms.write"


class PlatformsView(ProjectEndpoint):
    """A project's platforms."""

    @operation(
        "project.listPlatforms",
        "projects.listPlatforms",
        scope=READ,
        twin_scope=(READ, "projects.read"),
    )
    def get(self, call: Call) -> Answer:
        data = read_input(ListInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.list_platforms(caller=call.caller, project_id=project_id, **as_dict(data))
        )


class OlderPlatformsView(PlatformsView):
    """A project's platforms, as older clients make them."""

    @operation("projects.createPlatform", scope=(WRITE, "projects.write"))
    def post(self, call: Call) -> Answer:
        data = read_input(CreatePlatformInput, call.params)
        project_id = self.project_id(call)
        return created(
            services.create_platform(caller=call.caller, project_id=project_id, **as_dict(data))
        )


class PlatformView(ProjectEndpoint):
    """One platform."""

    @operation(
        "project.getPlatform",
        "projects.getPlatform",
        scope=READ,
        twin_scope=(READ, "projects.read"),
    )
    def get(self, call: Call) -> Answer:
        data = read_input(PlatformPathInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.get_platform(caller=call.caller, project_id=project_id, **as_dict(data))
        )

    @operation(
        "project.deletePlatform",
        "projects.deletePlatform",
        scope=WRITE,
        twin_scope=(WRITE, "projects.write"),
    )
    def delete(self, call: Call) -> Answer:
        data = read_input(PlatformPathInput, call.params)
        project_id = self.project_id(call)
        services.delete_platform(caller=call.caller, project_id=project_id, **as_dict(data))
        return no_content()


class OlderPlatformView(PlatformView):
    """One platform, as older clients change it."""

    @operation("projects.updatePlatform", scope=(WRITE, "projects.write"))
    def put(self, call: Call) -> Answer:
        data = read_input(UpdatePlatformInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.update_platform(caller=call.caller, project_id=project_id, **as_dict(data))
        )


class TypedPlatformEndpoint(ProjectEndpoint):
    """A path for platforms of one type; apps are known by an identifier, web pages by a host."""

    def create(self, call: Call, platform_type: str) -> Answer:
        project_id = self.project_id(call)
        return created(
            services.create_platform(
                caller=call.caller,
                project_id=project_id,
                platform_type=platform_type,
                **_read(call, platform_type, CreateWebPlatformInput, CreateAppPlatformInput),
            )
        )

    def update(self, call: Call, platform_type: str) -> Answer:
        project_id = self.project_id(call)
        return Answer(
            services.update_platform(
                caller=call.caller,
                project_id=project_id,
                platform_type=platform_type,
                **_read(call, platform_type, UpdateWebPlatformInput, UpdateAppPlatformInput),
            )
        )


def _read(call: Call, platform_type: str, for_web: type, for_apps: type) -> dict[str, Any]:
    if platform_type == WEB:
        return as_dict(read_input(for_web, call.params))
    names = {"key": IDENTIFIERS[platform_type]}
    return as_dict(read_input(for_apps, call.params, names=names))


class WebPlatformsView(TypedPlatformEndpoint):
    @operation("project.createWebPlatform", scope=WRITE, needs_project=True)
    def post(self, call: Call) -> Answer:
        return self.create(call, WEB)


class WebPlatformView(TypedPlatformEndpoint):
    @operation("project.updateWebPlatform", scope=WRITE, needs_project=True)
    def put(self, call: Call) -> Answer:
        return self.update(call, WEB)


class ApplePlatformsView(TypedPlatformEndpoint):
    @operation("project.createApplePlatform", scope=WRITE, needs_project=True)
    def post(self, call: Call) -> Answer:
        return self.create(call, APPLE)


class ApplePlatformView(TypedPlatformEndpoint):
    @operation("project.updateApplePlatform", scope=WRITE, needs_project=True)
    def put(self, call: Call) -> Answer:
        return self.update(call, APPLE)


class AndroidPlatformsView(TypedPlatformEndpoint):
    @operation("project.createAndroidPlatform", scope=WRITE, needs_project=True)
    def post(self, call: Call) -> Answer:
        return self.create(call, ANDROID)


class AndroidPlatformView(TypedPlatformEndpoint):
    @operation("project.updateAndroidPlatform", scope=WRITE, needs_project=True)
    def put(self, call: Call) -> Answer:
        return self.update(call, ANDROID)


class LinuxPlatformsView(TypedPlatformEndpoint):
    @operation("project.createLinuxPlatform", scope=WRITE, needs_project=True)
    def post(self, call: Call) -> Answer:
        return self.create(call, LINUX)


class LinuxPlatformView(TypedPlatformEndpoint):
    @operation("project.updateLinuxPlatform", scope=WRITE, needs_project=True)
    def put(self, call: Call) -> Answer:
        return self.update(call, LINUX)


class WindowsPlatformsView(TypedPlatformEndpoint):
    @operation("project.createWindowsPlatform", scope=WRITE, needs_project=True)
    def post(self, call: Call) -> Answer:
        return self.create(call, WINDOWS)


class WindowsPlatformView(TypedPlatformEndpoint):
    @operation("project.updateWindowsPlatform", scope=WRITE, needs_project=True)
    def put(self, call: Call) -> Answer:
        return self.update(call, WINDOWS)
