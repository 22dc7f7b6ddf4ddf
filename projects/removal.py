"""What must go when a project goes: apps above register how they remove what is theirs."""

from collections.abc import Callable

from projects.models import Project

Cleaner = Callable[[int], None]
_cleaners: list[Cleaner] = []


def clears(function: Cleaner) -> Cleaner:
    """Register a function that removes an app's rows of a project, given the project's number.

    It must be repeatable, and may leave to the foreign keys what goes quickly with the project.
    """
    if function not in _cleaners:
        _cleaners.append(function)
    return function


def remove_project(project_id: int) -> None:
    """Remove a hidden project with everything in it, the highest floor first."""
    project = Project.objects.filter(id=project_id).exclude(deleted_at=None).first()
    if project is None:
        return
    for clear in reversed(_cleaners):
        clear(project_id)
    project.delete()
