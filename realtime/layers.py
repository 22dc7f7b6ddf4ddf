"""The channel layer of an installation without Redis, and the way from synchronous code to any."""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, TypeAlias
from weakref import WeakSet

import orjson
from channels.layers import BaseChannelLayer, get_channel_layer

from kernel import notify
from kernel.limits import NOTIFY_PAYLOAD_BYTES
from kernel.once import once
from realtime.database import in_database
from realtime.limits import MAX_WAITING_EVENTS

NOTIFY_CHANNEL = "appwrite_realtime"
LISTEN_TIMEOUT_SECONDS = 5.0
FINISH_SECONDS = 2.0

Message: TypeAlias = dict[str, Any]

logger = logging.getLogger(__name__)

_layers: WeakSet[PostgresChannelLayer] = WeakSet()


class MessageTooLargeError(ValueError):
    """A message that NOTIFY does not carry; send a reference to a row instead."""


class PostgresChannelLayer(BaseChannelLayer):
    """Groups and process-specific channels over LISTEN and NOTIFY.

    Delivery is at most once. What a process may have missed, because its listener lost the
    connection or a channel was full, is told to the functions given to `watch_gaps`.
    Messages are JSON and at most `max_message_bytes` long.
    """

    extensions = ["groups", "flush"]
    max_message_bytes = NOTIFY_PAYLOAD_BYTES

    def __init__(self, *, capacity: int = MAX_WAITING_EVENTS) -> None:
        super().__init__(capacity=capacity)
        self._lock = threading.Lock()
        self._inboxes: dict[str, _Inbox] = {}
        self._groups: dict[str, set[str]] = defaultdict(set)
        self._gap_watchers: list[Callable[[], None]] = []
        _layers.add(self)

    async def new_channel(self, prefix: str = "specific") -> str:
        """Return a new channel that only this process receives from."""
        await asyncio.to_thread(notify.start, timeout_seconds=LISTEN_TIMEOUT_SECONDS)
        channel = f"{prefix}.{uuid.uuid4().hex}!{uuid.uuid4().hex}"
        with self._lock:
            self._inboxes[channel] = _Inbox(asyncio.get_running_loop(), self.capacity)
        return channel

    async def receive(self, channel: str) -> Message:
        """Wait for the next message; a cancelled wait gives the channel up, as its owner leaves."""
        inbox = self._inboxes[channel]
        try:
            return await inbox.take()
        except asyncio.CancelledError:
            self._forget(channel)
            raise

    async def send(self, channel: str, message: Message) -> None:
        self.require_valid_channel_name(channel)
        await in_database(_notify, _pack("@" + channel, message))

    async def group_add(self, group: str, channel: str) -> None:
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        with self._lock:
            self._groups[group].add(channel)
        await asyncio.to_thread(_attend)

    async def group_discard(self, group: str, channel: str) -> None:
        with self._lock:
            self._discard(group, channel)

    async def group_send(self, group: str, message: Message) -> None:
        self.require_valid_group_name(group)
        await in_database(_notify, _pack(group, message))

    async def flush(self) -> None:
        with self._lock:
            self._inboxes.clear()
            self._groups.clear()

    def notify_groups(self, groups: Iterable[str], message: Message) -> None:
        """Send from synchronous code, which does not wait for it, if any process has groups."""
        notify.post_if_wanted(NOTIFY_CHANNEL, _pack(",".join(groups), message))

    def has_groups(self) -> bool:
        return bool(self._groups)

    def watch_gaps(self, watcher: Callable[[], None]) -> None:
        """Have `watcher` called, on any thread, whenever messages may have been missed."""
        self._gap_watchers.append(watcher)

    def _forget(self, channel: str) -> None:
        with self._lock:
            self._inboxes.pop(channel, None)
            for group in [name for name, members in self._groups.items() if channel in members]:
                self._discard(group, channel)

    def _discard(self, group: str, channel: str) -> None:
        members = self._groups.get(group, set())
        members.discard(channel)
        if not members:
            self._groups.pop(group, None)

    def hear(self, payload: str) -> None:
        """Take what NOTIFY brought; runs on the listener thread."""
        if not payload:
            self._tell_gap()
            return
        address, _, text = payload.partition("\n")
        inboxes = self._addressed(address)
        if not inboxes:
            return
        message = orjson.loads(text)
        for inbox in inboxes:
            if not inbox.put(message):
                self._tell_gap()

    def _addressed(self, address: str) -> list[_Inbox]:
        with self._lock:
            channels = {address[1:]} if address.startswith("@") else set()
            for group in address.split(","):
                channels |= self._groups.get(group, set())
            return [self._inboxes[name] for name in channels if name in self._inboxes]

    def _tell_gap(self) -> None:
        for watcher in tuple(self._gap_watchers):
            watcher()


def hear(payload: str) -> None:
    """Hand what NOTIFY brought to this process's layers.

    Registered when the process starts: a channel that is first listened to when the first socket
    comes would miss what is sent in the meantime.
    """
    for each in tuple(_layers):
        each.hear(payload)


def is_wanted() -> bool:
    """Tell whether this process wants what is sent to groups."""
    return any(each.has_groups() for each in tuple(_layers))


def _attend() -> None:
    notify.attend(NOTIFY_CHANNEL, timeout_seconds=LISTEN_TIMEOUT_SECONDS)


class _Inbox:
    """Messages that wait for one receiver on its own loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, capacity: int) -> None:
        self._loop = loop
        # Counted here: the queue is as short as it was while its loop is busy with something else.
        self._room = threading.Semaphore(capacity)
        self._messages: asyncio.Queue[Message] = asyncio.Queue()

    def put(self, message: Message) -> bool:
        """Hand a message over from any thread; tell whether there was room."""
        if not self._room.acquire(blocking=False):
            return False
        with suppress(RuntimeError):  # the receiver's loop has ended
            self._loop.call_soon_threadsafe(self._messages.put_nowait, message)
        return True

    async def take(self) -> Message:
        """Wait for the next message, and make its room free."""
        message = await self._messages.get()
        self._room.release()
        return message


def _pack(address: str, message: Message) -> str:
    text = orjson.dumps(message)
    if len(address) + 1 + len(text) > NOTIFY_PAYLOAD_BYTES:
        raise MessageTooLargeError(f"{len(text)} bytes")
    return f"{address}\n{text.decode()}"


def _notify(payload: str) -> None:
    notify.notify(NOTIFY_CHANNEL, payload)


def layer() -> Any:
    """Return the layer that is set."""
    return get_channel_layer()


def group_of(project_uid: str) -> str:
    """Return the group that all processes with sockets of a project join."""
    return f"project.{project_uid}"


def send_to_groups(groups: Sequence[str], message: Message) -> None:
    """Send one message to several groups from synchronous code, on whichever layer is set.

    On PostgreSQL this is one statement, and a process in several of the groups receives the
    message once; where no process is in any group nothing is sent. Any other layer is asynchronous:
    the message is handed to a thread of its own, so that the caller waits for no connection, and
    each copy names its `group`.

    Raises:
        MessageTooLargeError: The layer does not carry so long a message.
    """
    current = layer()
    if isinstance(current, PostgresChannelLayer):
        current.notify_groups(groups, message)
    else:
        _outgoing().put(groups, message)


class _Outgoing:
    """One thread with an event loop that sends messages in the order they came."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._in_order = asyncio.Lock()
        self._waiting: set[Future[None]] = set()
        threading.Thread(target=self._loop.run_forever, name="realtime-out", daemon=True).start()
        atexit.register(self._finish)

    def put(self, groups: Sequence[str], message: Message) -> None:
        if len(self._waiting) >= MAX_WAITING_EVENTS:
            logger.error("a message to %s was dropped: too many wait", groups)
            return
        sent = asyncio.run_coroutine_threadsafe(self._send(groups, message), self._loop)
        self._waiting.add(sent)
        sent.add_done_callback(self._waiting.discard)

    async def _send(self, groups: Sequence[str], message: Message) -> None:
        async with self._in_order:
            for group in groups:
                try:
                    await layer().group_send(group, {**message, "group": group})
                except Exception:  # whatever a layer's server is in
                    logger.exception("a message to %s was lost", group)

    def _finish(self) -> None:
        """Let the last messages of a short command leave."""
        wait(tuple(self._waiting), timeout=FINISH_SECONDS)


@once
def _outgoing() -> _Outgoing:
    return _Outgoing()
