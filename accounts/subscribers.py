"""What accounts hear: that a project goes, or that a user changed in another process."""

from accounts import services
from accounts.events import IDENTITY_CHANNEL, hear_identity
from kernel import notify
from projects.removal import clears


@clears
def clear_project(project_id: int) -> None:
    """Remove the users, teams and roles of a project."""
    services.clear_project(project_id=project_id)


notify.listen(IDENTITY_CHANNEL, hear_identity)
