"""Jobs of projects."""

from kernel import jobs
from projects.removal import remove_project

REMOVE_JOB = "projects.remove"


@jobs.runner(REMOVE_JOB)
def remove(project_id: int) -> None:
    """Remove a deleted project."""
    remove_project(project_id)
