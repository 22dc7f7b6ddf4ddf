"""The websocket endpoint: speaks the protocol; who hears what is decided by the hub."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings

from kernel.errors import ApiError, ErrorKind
from kernel.ids import unique_id
from realtime import frames, protocol, replays, services
from realtime.database import in_database
from realtime.handshakes import read_handshake
from realtime.hub import hub
from realtime.limits import (
    CLOSE_SECONDS,
    MAX_CHANNELS,
    MAX_CURSORS_PER_FRAME,
    MAX_FRAME_BYTES,
    MAX_SUBSCRIPTIONS,
    MESSAGES_PER_WINDOW,
    RATE_WINDOW_SECONDS,
)
from realtime.mailboxes import Mailbox
from realtime.services import Handshake
from realtime.sockets import Socket
from realtime.subscriptions import Subscription, parse_url, rewrite

CLOSE_REFUSED = 1008
CLOSE_TOO_LARGE = 1009
CLOSE_FAILED = 1011
#: Added to a code where the server only sends those for private use: 1008 becomes 4008.
PRIVATE_CODES = 3000
#: The extension of servers that can write a text at once.
WRITE_EXTENSION = "appwrite.write"

logger = logging.getLogger(__name__)


class RealtimeConsumer(AsyncConsumer):
    """One connection. A channel of its own would cost too much: the hub has one for all."""

    channel_layer_alias = "none"

    def __init__(self) -> None:
        self._socket: Socket | None = None
        self._handshake: Handshake | None = None
        self._mailbox = Mailbox(self._end_soon)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writer: asyncio.Task[None] | None = None
        self._window_start = 0.0
        self._window_count = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            for task in tuple(self._tasks):
                task.cancel()
            if self._socket is not None:
                await hub().drop(self._socket)

    async def dispatch(self, message: Any) -> None:
        """Spare each frame the thread that Channels takes to look after database connections."""
        match message["type"]:
            case "websocket.connect":
                await self.connect()
            case "websocket.receive":
                await self.receive(message.get("text"))
            case "websocket.disconnect":
                raise StopConsumer

    async def connect(self) -> None:
        await self._tell({"type": "websocket.accept"})
        if write := _write_of(self.scope):
            self._mailbox.write = write
        self._writer = self._spawn(self._write())
        try:
            await self._open()
        except ApiError as error:
            self._refuse(error)
        except ValueError as error:
            self._refuse(ApiError(ErrorKind.REALTIME_POLICY_VIOLATION, str(error)))
        except Exception:  # this connection ends, the others do not
            logger.exception("a connection could not be opened")
            self._refuse(ApiError(ErrorKind.SERVER_ERROR))

    async def receive(self, text: str | None) -> None:
        try:
            self._count_message()
            await self._answer(text)
        except ApiError as error:
            self._mailbox.put(frames.error(error))
            if error.kind is ErrorKind.REALTIME_POLICY_VIOLATION:
                self._mailbox.close(CLOSE_REFUSED)
        except Exception:  # the frame is refused, the connection stays
            logger.exception("a frame could not be answered")
            self._mailbox.put(frames.error(ApiError(ErrorKind.SERVER_ERROR)))

    async def _open(self) -> None:
        form = parse_url(self.scope["query_string"].decode("latin-1"))
        self._handshake = read_handshake(self.scope, form)
        subscribed = {
            slot: Subscription(unique_id(), channels, queries, form.parameters.get("since", ""))
            for slot, (channels, queries) in form.slots.items()
        }
        _check_size(subscribed.values())
        changes = hub().identity_changes
        opened = await in_database(services.open_connection, self._handshake)
        look_up = partial(services.identify, self._handshake)
        socket = Socket(self._handshake.project_uid, opened.caller, look_up, self._mailbox)
        await self._check_cursors(socket, subscribed.values())
        socket.subscribe(subscribed.values())
        self._socket = socket
        await hub().add(socket)
        await self._recheck(socket, changes)
        missed = await self._read_missed(socket, subscribed.values())
        named = {str(slot): each.id for slot, each in subscribed.items()}
        data = {
            "channels": list(socket.channels),
            "subscriptions": named or [],
            "user": opened.account,
        }
        if missed:
            data["replays"] = {id_: _replay_output(each) for id_, each in missed.items()}
        self._mailbox.put(frames.frame("connected", data))
        self._catch_up(socket, missed)

    async def _answer(self, text: str | None) -> None:
        if text is not None and len(text) > MAX_FRAME_BYTES:
            self._mailbox.close(CLOSE_TOO_LARGE)
            return
        message = protocol.read_message(text or "")
        if message.type == "ping":
            self._mailbox.put(frames.PONG)
        elif self._socket is None or self._handshake is None:
            raise protocol.malformed("The connection is not open.")
        elif message.type == "subscribe":
            await self._subscribe(self._socket, message.data)
        elif message.type == "unsubscribe":
            self._unsubscribe(self._socket, message.data)
        elif message.type == "authentication":
            await self._authenticate(self._socket, self._handshake, message.data)
        else:
            raise protocol.malformed("Message type is not valid.")

    async def _subscribe(self, socket: Socket, data: object) -> None:
        added = protocol.read_subscriptions(data)
        _check_size({**socket.subscriptions, **{each.id: each for each in added}}.values())
        await self._check_cursors(socket, added)
        socket.subscribe(added)
        hub().relist(socket)
        missed = await self._read_missed(socket, added)
        listed = [
            {
                "subscriptionId": each.id,
                "channels": list(rewrite(each.channels, socket.caller.user_uid)),
                "queries": list(each.queries),
            }
            | ({"replay": _replay_output(missed[each.id])} if each.id in missed else {})
            for each in added
        ]
        self._mailbox.put(frames.response("subscribe", {"subscriptions": listed}))
        self._catch_up(socket, missed)

    async def _check_cursors(self, socket: Socket, added: Collection[Subscription]) -> None:
        if sum(bool(each.since) for each in added) > MAX_CURSORS_PER_FRAME:
            raise protocol.malformed(f"A frame has at most {MAX_CURSORS_PER_FRAME} cursors.")
        for each in added:
            if not each.since:
                continue
            try:
                if await in_database(replays.fits, socket.caller, each):
                    continue
            except ApiError as error:
                raise protocol.malformed(error.message) from None
            raise protocol.malformed("All channels have to be of the collection of the cursor.")

    async def _read_missed(
        self, socket: Socket, added: Iterable[Subscription]
    ) -> dict[str, replays.Missed]:
        """Read what was missed, while live events are held back already: so none is lost."""
        wanted = [each for each in added if each.since]
        missed: dict[str, replays.Missed] = {}
        try:
            for each in wanted:
                unread = socket.unread_bytes
                read = await in_database(replays.missed_by, socket.caller, each, unread)
                socket.feeds[each.id].unread_bytes = read.size_bytes
                missed[each.id] = read
        except ApiError as error:
            for each in wanted:
                socket.unsubscribe(each.id)
            hub().relist(socket)
            raise protocol.malformed(error.message) from None
        return missed

    def _catch_up(self, socket: Socket, missed: Mapping[str, replays.Missed]) -> None:
        for id_, each in missed.items():
            caught_up = frames.response("replay", {"subscriptionId": id_, "cursor": each.cursor})
            self._spawn(socket.feeds[id_].catch_up(each.entries, caught_up))

    def _unsubscribe(self, socket: Socket, data: object) -> None:
        listed = [
            {"subscriptionId": id_, "removed": socket.unsubscribe(id_)}
            for id_ in protocol.read_unsubscriptions(data)
        ]
        hub().relist(socket)
        self._mailbox.put(frames.response("unsubscribe", {"subscriptions": listed}))

    async def _authenticate(self, socket: Socket, handshake: Handshake, data: object) -> None:
        services.check_replaceable(socket.caller)
        handshake = services.with_session(handshake, protocol.read_session(data))
        changes = hub().identity_changes
        opened = await in_database(services.open_session, handshake)
        self._handshake = handshake
        socket.look_up = partial(services.identify, handshake)
        socket.identify(opened.caller)
        hub().relist(socket)
        await self._recheck(socket, changes)
        self._mailbox.put(frames.response("authentication", {"user": opened.account}))

    async def _recheck(self, socket: Socket, changes: int) -> None:
        """Look the caller up again when somebody's identity changed while it was looked up."""
        if hub().identity_changes != changes:
            await hub().identities.refresh(socket)

    def _count_message(self) -> None:
        if not settings.ABUSE_LIMITS:
            return
        now = time.monotonic()
        if now - self._window_start >= RATE_WINDOW_SECONDS:
            self._window_start, self._window_count = now, 0
        self._window_count += 1
        if self._window_count > MESSAGES_PER_WINDOW:
            raise ApiError(ErrorKind.REALTIME_TOO_MANY_MESSAGES)

    def _refuse(self, error: ApiError) -> None:
        status = error.kind.status
        self._mailbox.put(frames.error(error))
        if 1000 <= status < 5000:
            self._mailbox.close(status)
        else:
            self._mailbox.close(CLOSE_FAILED if status >= 500 else CLOSE_REFUSED)

    async def _tell(self, message: Any) -> None:
        await self.base_send(message)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _write(self) -> None:
        with contextlib.suppress(OSError):  # the client is gone; the server tells us next
            while text := await self._mailbox.take():
                await self._tell({"type": "websocket.send", "text": text})

    def _end_soon(self) -> None:
        self._spawn(self._end())

    async def _end(self) -> None:
        """Close once the waiting frames are written; cut off a reader who does not take them."""
        writer = self._writer
        if writer is None:  # nothing was accepted yet
            return
        if not self._mailbox.is_overrun:
            await asyncio.wait({writer}, timeout=CLOSE_SECONDS)
        writer.cancel()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._close(self._mailbox.close_code)
        except TimeoutError:
            _abort(self.base_send)
        except (OSError, RuntimeError):  # closed by the other side in the meantime
            return

    async def _close(self, code: int) -> None:
        try:
            await self._tell({"type": "websocket.close", "code": code})
        except (OSError, RuntimeError):
            raise
        except Exception:  # noqa: BLE001  # Daphne's library raises just that: it sends no such code
            await self._tell({"type": "websocket.close", "code": code + PRIVATE_CODES})


async def refuse_path(_scope: Any, _receive: Any, send: Any) -> None:
    """Turn away connections to any other path."""
    await send({"type": "websocket.close"})


def _write_of(scope: Any) -> Callable[[str], bool] | None:
    extensions: dict[str, Any] = scope.get("extensions") or {}
    write: Callable[[str], bool] | None = extensions.get(WRITE_EXTENSION, {}).get("write")
    return write


def _replay_output(missed: replays.Missed) -> dict[str, Any]:
    return {
        "total": len(missed.entries),
        "isComplete": missed.is_complete,
    }


def _check_size(subscriptions: Collection[Subscription]) -> None:
    if len(subscriptions) > MAX_SUBSCRIPTIONS:
        raise protocol.malformed(f"A connection has at most {MAX_SUBSCRIPTIONS} subscriptions.")
    if sum(len(each.channels) for each in subscriptions) > MAX_CHANNELS:
        raise protocol.malformed(f"A connection listens to at most {MAX_CHANNELS} channels.")


def _abort(send: object) -> None:
    """Drop the connection of a client that reads nothing at all.

    ASGI has no message for it, and closing waits until everything is read; uvicorn's `send` is a
    method of the protocol that owns the transport.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
