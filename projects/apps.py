"""Projects: tenancy."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "projects"

    def ready(self) -> None:
        from projects import diagnosis, subscribers, tasks
