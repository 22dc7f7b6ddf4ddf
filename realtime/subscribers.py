"""What realtime makes of events: each goes to the groups of the connections that may hear it."""

from documents.encryption import is_sealed
from kernel.caller import CONSOLE_PROJECT
from kernel.clock import api_time
from kernel.events import Event, subscribe
from realtime.layers import fits, group_of, send_to_groups
from realtime.topics import topics


@subscribe("*", when="after_commit")
def send_event(event: Event) -> None:
    """Ring every process that may have sockets for the event; one statement at most.

    On connections to the console its receivers are the owners of the project, whatever its roles.
    """
    heard = topics(event.name, event.project_uid)
    groups = [group_of(event.project_uid)] if heard.project and event.roles else []
    if heard.console and group_of(CONSOLE_PROJECT) not in groups:
        groups.append(group_of(CONSOLE_PROJECT))
    if not groups:
        return
    message = {
        "type": "event",
        "name": event.name,
        "project": event.project_uid,
        "roles": list(event.roles),
        "timestamp": api_time(event.created_at),
        "changed": event.permissions_changed,
        "outbox": event.id,
        "payload": event.payload,
    }
    # Sealed values are opened where they are delivered: on the way they may touch a disk.
    if is_sealed(event.payload) or not fits(groups, message):
        message |= {"payload": None, "roles": None}
    send_to_groups(groups, message)
