"""What documents hear: that a project begins, and that one goes."""

from documents import services
from kernel.caller import CONSOLE_PROJECT
from kernel.events import Event, subscribe
from projects.removal import clears


@subscribe("projects.*.create", when="in_transaction")
def create_default_database(event: Event) -> None:
    """Make the database `default` along with its project."""
    if event.project_uid != CONSOLE_PROJECT and event.name.count(".") == 2:
        services.create_default_database(project_id=event.project_id, project_uid=event.project_uid)


@clears
def sweep_project(project_id: int) -> None:
    """Remove the databases of a project."""
    services.sweep_project(project_id=project_id)
