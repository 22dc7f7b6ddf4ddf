"""What accounts hear: that a project goes."""

from accounts import services
from projects.removal import clears


@clears
def clear_project(project_id: int) -> None:
    """Remove the users, teams and roles of a project."""
    services.clear_project(project_id=project_id)
