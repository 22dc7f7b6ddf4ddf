"""Use cases of tenancy."""

from projects.services.directory import drop_project, find_project

__all__ = ["drop_project", "find_project"]
