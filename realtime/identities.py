"""Keeps the identities of open sockets true: a changed one is looked up again within a second."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable

from kernel.caller import Caller
from realtime.database import in_database
from realtime.index import SocketIndex
from realtime.limits import (
    IDENTITY_DEADLINE_SECONDS,
    IDENTITY_DELAY_SECONDS,
    IDENTITY_REFRESH_SECONDS,
)
from realtime.mailboxes import CLOSE_RESTART
from realtime.sockets import Socket

SWEEP_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Identities:
    """Looks callers up again and gives the sockets their new roles."""

    def __init__(self, index: SocketIndex) -> None:
        self._index = index
        self._delayed: set[Socket] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def changed(self, sockets: Iterable[Socket]) -> None:
        """Look the sockets' callers up soon.

        The short delay lets other caches of this process drop what they know, and events that
        were published before the change reach the sockets.
        """
        for socket in sockets:
            if socket not in self._delayed:
                self._delayed.add(socket)
                task = asyncio.get_running_loop().create_task(self._look_up_soon(socket))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def refresh(self, socket: Socket) -> None:
        """Look one socket's caller up now; past the deadline it holds no roles until it is known.

        A caller who is gone, blocked or unknown is disconnected: the client comes back as
        whoever it is now.
        """
        lookup = asyncio.ensure_future(in_database(socket.look_up))
        seconds = IDENTITY_DEADLINE_SECONDS - IDENTITY_DELAY_SECONDS
        if not (await asyncio.wait({lookup}, timeout=seconds))[0]:
            self._mute(socket)
        try:
            caller = await lookup
        except Exception as error:  # noqa: BLE001  # refused or unknown: nothing is delivered
            logger.info("socket of user %s lost its identity: %s", socket.caller.user_uid, error)
            self._disconnect(socket)
            return
        if _is_same_user(socket.caller, caller):
            socket.identify(caller)
            self._relist(socket)
        else:
            self._disconnect(socket)

    async def sweep(self) -> None:
        """Look everyone signed in up now and then, since sessions and JWTs expire; never ends."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            due = time.monotonic() - IDENTITY_REFRESH_SECONDS
            for socket in self._index:
                if socket.caller.user_uid and socket.checked_at < due:
                    await self.refresh(socket)

    async def _look_up_soon(self, socket: Socket) -> None:
        await asyncio.sleep(IDENTITY_DELAY_SECONDS)
        self._delayed.discard(socket)
        await self.refresh(socket)

    def _mute(self, socket: Socket) -> None:
        socket.mute()
        self._relist(socket)

    def _disconnect(self, socket: Socket) -> None:
        self._mute(socket)
        socket.mailbox.close(CLOSE_RESTART)

    def _relist(self, socket: Socket) -> None:
        if socket in self._index:
            self._index.put(socket)


def _is_same_user(old: Caller, new: Caller) -> bool:
    if new.is_blocked or new.needs_factor:
        return False
    return _signature(old) == _signature(new)


def _signature(caller: Caller) -> tuple[str, str, str]:
    return caller.user_uid, caller.session_uid, caller.impersonator_uid
