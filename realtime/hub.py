"""The hub of one process: takes each event from the channel layer once and hands it to sockets."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Sequence
from typing import Any

import orjson

from kernel import notify
from kernel.caller import CONSOLE_PROJECT
from kernel.event_names import expand
from realtime import services
from realtime.database import in_database
from realtime.feeds import Entry
from realtime.frames import EventFrames
from realtime.identities import Identities
from realtime.index import SocketIndex
from realtime.layers import Message, PostgresChannelLayer, group_of, layer
from realtime.mailboxes import CLOSE_RESTART
from realtime.pulse import Pulse
from realtime.sockets import Socket
from realtime.topics import topics

IDENTITY_CHANNEL = "appwrite_identity"
RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)

_lock = threading.Lock()
_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


class Hub:
    """All sockets of one event loop. It joins a project's group while it has sockets of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._layer = layer()
        self._channel = ""
        self._groups: set[str] = set()
        self._membership = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._index = SocketIndex()
        self.identities = Identities(self._index)
        self._pulse = Pulse(self._send_beat, self._close_all)
        #: Rises with each change of an identity; tells a connect whether it overlapped with one.
        self.identity_changes = 0

    async def add(self, socket: Socket) -> None:
        """Start to deliver to a socket; from here on it misses nothing."""
        async with self._membership:
            await self._ensure_channel()
            group = group_of(socket.project_uid)
            if group not in self._groups:
                await self._layer.group_add(group, self._channel)
                self._groups.add(group)
            self._index.put(socket)

    async def drop(self, socket: Socket) -> None:
        self._index.drop(socket)
        async with self._membership:
            group = group_of(socket.project_uid)
            if group in self._groups and not self._index.has_project(socket.project_uid):
                self._groups.discard(group)
                await self._layer.group_discard(group, self._channel)

    def relist(self, socket: Socket) -> None:
        """Take notice of changed subscriptions or roles of a socket that was added."""
        if socket in self._index:
            self._index.put(socket)

    def hear_gap(self) -> None:
        """Send everyone away to come again, since events may have been missed. Any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._close_all)

    def hear_identity(self, change: dict[str, Any] | None) -> None:
        """Look up again whom a change concerns, everyone when it is not known. Any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._recheck, change)

    def hear_project(self, project_uid: str) -> None:
        """Close the sockets of a project that is gone or shut, all such when none is named."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(lambda: self._spawn(self._close_shut(project_uid)))

    async def deliver(self, message: Message) -> None:
        """Hand one event to the sockets it is for."""
        if message["type"] == "beat":
            self._pulse.hear(message["number"])
            return
        concerned = self._index.of_user(message["changed"]) if message["changed"] else ()
        if not concerned:
            await self._publish(message)
            return
        self._spawn(self._publish_to_changed(message, concerned))

    async def _publish_to_changed(self, message: Message, concerned: Sequence[Socket]) -> None:
        """An event that changes roles is for those who hold them afterwards.

        It may be here before the word that they changed, so nothing remembered of them counts.
        """
        self.identity_changes += 1
        await in_database(services.forget_callers, message["project"])
        await asyncio.gather(*(self.identities.refresh(socket) for socket in concerned))
        await self._publish(message)

    async def _publish(self, message: Message) -> None:
        heard = topics(message["name"], message["project"])
        only = message.get("group")
        if heard.project and only in (None, group_of(message["project"])):
            await self._hand_out(message, message["project"], heard.project, is_owners_only=False)
        if heard.console and only in (None, group_of(CONSOLE_PROJECT)):
            await self._hand_out(message, CONSOLE_PROJECT, heard.console, is_owners_only=True)

    async def _hand_out(
        self, message: Message, project_uid: str, channels: Sequence[str], *, is_owners_only: bool
    ) -> None:
        """Hand an event to connections of one project, or to the owners among them."""
        if not self._index.is_heard(project_uid, channels):
            return
        payload, roles = message["payload"], message["roles"]
        if payload is None:
            payload, roles = await in_database(services.load_event, message["outbox"])
        if is_owners_only:
            roles = await in_database(services.owner_roles, message["project"])
        found = self._index.find(project_uid, channels, roles)
        if not found:
            return
        frames = EventFrames(
            events=expand(message["name"]),
            channels=channels,
            timestamp=message["timestamp"],
            payload=payload,
        )
        entry = Entry(message["outbox"], frames)
        verdicts: dict[tuple[str, ...], bool] = {}
        for socket, heard in found.items():
            if ids := socket.matching(heard, payload, verdicts):
                socket.deliver(entry, ids)

    async def _ensure_channel(self) -> None:
        if self._channel:
            return
        await asyncio.to_thread(notify.start)
        self._channel = await self._layer.new_channel()
        self._spawn(self._receive())
        self._spawn(self.identities.sweep())
        if isinstance(self._layer, PostgresChannelLayer):
            self._layer.watch_gaps(self.hear_gap)
        else:
            self._spawn(self._pulse.run())

    async def _send_beat(self, number: int) -> None:
        await self._layer.send(self._channel, {"type": "beat", "number": number})

    async def _receive(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self._channel)
            except Exception:  # whatever a layer's server is in
                logger.exception("the channel layer failed")
                await asyncio.sleep(RETRY_SECONDS)
                continue
            try:
                await self.deliver(message)
            except Exception:  # one event must not end the hub
                logger.exception("an event was not delivered")

    async def _close_shut(self, project_uid: str) -> None:
        for uid in [project_uid] if project_uid else self._index.projects():
            if self._index.has_project(uid) and not await in_database(services.is_open, uid):
                for socket in self._index.of_project(uid):
                    socket.mailbox.close(CLOSE_RESTART)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _close_all(self) -> None:
        for socket in self._index:
            socket.mailbox.close(CLOSE_RESTART)

    def _recheck(self, change: dict[str, Any] | None) -> None:
        self.identity_changes += 1
        self.identities.changed(self._concerned(change))

    def _concerned(self, change: dict[str, Any] | None) -> Sequence[Socket]:
        if change is None:
            return [socket for socket in self._index if socket.caller.user_uid]
        if change.get("user"):
            return self._index.of_user(change["user"])
        project_id = change.get("project")
        return [each for each in self._index if each.caller.project.id == project_id]


def hub() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    with _lock:
        for ended in [each for each in _hubs if each.is_closed()]:
            del _hubs[ended]
        if loop not in _hubs:
            _hubs[loop] = Hub(loop)
        return _hubs[loop]


def hear_identity(payload: str) -> None:
    """Pass a change of some user's sessions, roles or state on to all hubs. Any thread."""
    change = orjson.loads(payload) if payload else None
    for each in _all_hubs():
        each.hear_identity(change)


def hear_project(project_uid: str) -> None:
    """Pass a change of a project on to all hubs. Any thread."""
    for each in _all_hubs():
        each.hear_project(project_uid)


def _all_hubs() -> tuple[Hub, ...]:
    with _lock:
        return tuple(_hubs.values())
