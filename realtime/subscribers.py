"""What realtime makes of events: each goes to the groups of the connections that may hear it."""

from documents.encryption import is_sealed
from kernel.caller import CONSOLE_PROJECT
from kernel.clock import api_time
from kernel.events import Event, subscribe
from realtime.layers import MessageTooLargeError, group_of, send_to_groups
from realtime.topics import is_heard

# In place of what is too long for the way: receivers read it in the outbox.
_REFERENCE = {"payload": None, "roles": None}


@subscribe("*", when="after_commit")
def send_event(event: Event) -> None:
    """Ring the processes that may have sockets for the event, if any; one statement at most.

    On connections to the console its receivers are the owners of the project, whatever its roles.
    """
    has_channels, is_of_console = is_heard(event.name, event.project_uid)
    groups = [group_of(event.project_uid)] if has_channels and event.roles else []
    if is_of_console and group_of(CONSOLE_PROJECT) not in groups:
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
    if is_sealed(event.payload):
        message |= _REFERENCE
    try:
        send_to_groups(groups, message)
    except MessageTooLargeError:
        send_to_groups(groups, message | _REFERENCE)
