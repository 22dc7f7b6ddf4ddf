"""Jobs of projects."""

from kernel import jobs
from projects.diagnosis import KNOCK_JOB
from projects.removal import remove_project
from projects.services.projects import REMOVE_JOB


@jobs.runner(REMOVE_JOB)
def remove(project_id: int) -> None:
    """Remove a deleted project."""
    remove_project(project_id)


@jobs.runner(KNOCK_JOB)
def answer_knock() -> None:
    """Do nothing; that it was done shows that a worker runs."""
