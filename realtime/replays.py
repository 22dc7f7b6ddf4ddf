"""What a subscription with a cursor missed, read from the log. All of it synchronous."""

from collections.abc import Sequence
from dataclasses import dataclass

from documents.services import documents
from kernel.caller import Caller
from kernel.clock import api_time
from kernel.event_names import expand
from realtime.feeds import Entry
from realtime.frames import EventFrames
from realtime.limits import MAX_REPLAYED_BYTES, MAX_REPLAYED_EVENTS
from realtime.subscriptions import Subscription, rewrite
from realtime.topics import document_lists, topics


@dataclass(frozen=True, slots=True)
class Missed:
    """What a subscription missed, and the cursor behind it; a gap where it is too much to tell."""

    entries: Sequence[Entry]
    cursor: str
    is_complete: bool

    @property
    def size_bytes(self) -> int:
        return sum(each.frames.size_bytes for each in self.entries)


def fits(caller: Caller, subscription: Subscription) -> bool:
    """Tell whether all channels of a subscription are of the collection of its cursor.

    Raises: ARGUMENT_INVALID
    """
    lists = document_lists(*documents.collection_of(caller=caller, since=subscription.since))
    below = tuple(f"{each}." for each in lists)
    return all(each in lists or each.startswith(below) for each in subscription.channels)


def missed_by(caller: Caller, subscription: Subscription, unread_bytes: int) -> Missed:
    """Return what a subscription would have received since its cursor. Uses the database.

    `unread_bytes` are those of other replays of the connection, which leave less for this one.

    Raises: ARGUMENT_INVALID, DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, USER_UNAUTHORIZED
    """
    replay = documents.replay_changes(
        caller=caller,
        since=subscription.since,
        limit=MAX_REPLAYED_EVENTS,
        limit_bytes=MAX_REPLAYED_BYTES - unread_bytes,
    )
    project = caller.project
    wanted = frozenset(rewrite(subscription.channels, caller.user_uid))
    entries = []
    for event in replay.events:
        channels = topics(event.name, project.uid).project
        if wanted.isdisjoint(channels):
            continue
        payload = documents.opened_event(event, project_id=project.id)
        if subscription.matches(payload):
            frames = EventFrames(
                events=expand(event.name),
                channels=channels,
                timestamp=api_time(event.created_at),
                payload=payload,
            )
            entries.append(Entry(event.id, frames))
    return Missed(entries, replay.cursor, replay.is_complete)
