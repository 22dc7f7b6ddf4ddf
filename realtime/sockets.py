"""One open connection as the hub sees it: who it is, what it wants, what it has yet to read."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from realtime.limits import MAX_QUEUED_BYTES, MAX_QUEUED_FRAMES
from realtime.subscriptions import Subscription, rewrite

if TYPE_CHECKING:
    from kernel.caller import Caller

#: Codes on which clients come again: something may have been missed, or the reader was too slow.
CLOSE_RESTART = 1012
CLOSE_TRY_AGAIN = 1013


class Socket:
    """Identity and subscriptions of one connection; `channels` maps to ids of subscriptions."""

    __slots__ = (
        "caller",
        "channels",
        "checked_at",
        "look_up",
        "mailbox",
        "project_uid",
        "roles",
        "subscriptions",
    )

    def __init__(
        self, project_uid: str, caller: Caller, look_up: Callable[[], Caller], mailbox: Mailbox
    ) -> None:
        self.project_uid = project_uid
        self.look_up = look_up
        self.mailbox = mailbox
        self.subscriptions: dict[str, Subscription] = {}
        self.channels: dict[str, tuple[str, ...]] = {}
        self.identify(caller)

    def identify(self, caller: Caller) -> None:
        """Take over a freshly resolved identity."""
        self.caller = caller
        self.roles = caller.roles
        self.checked_at = time.monotonic()
        self._name_channels()

    def mute(self) -> None:
        """Hold no roles until the identity is known again."""
        self.roles = frozenset()

    def subscribe(self, subscriptions: Iterable[Subscription]) -> None:
        self.subscriptions |= {each.id: each for each in subscriptions}
        self._name_channels()

    def unsubscribe(self, subscription_id: str) -> bool:
        """Drop a subscription; tell whether there was one."""
        was_there = self.subscriptions.pop(subscription_id, None) is not None
        self._name_channels()
        return was_there

    def rewritten(self, subscription: Subscription) -> tuple[str, ...]:
        return rewrite(subscription.channels, self.caller.user_uid)

    def matching(
        self,
        heard: Sequence[str],
        payload: Mapping[str, Any],
        verdicts: dict[tuple[str, ...], bool],
    ) -> tuple[str, ...]:
        """Return the ids of the subscriptions that an event on the channels `heard` is for.

        `verdicts` keeps, for one payload, what each list of queries said.
        """
        ids = self.channels.get(heard[0], ())
        if len(heard) > 1:
            ids = tuple(dict.fromkeys(id_ for name in heard for id_ in self.channels.get(name, ())))
        return tuple(id_ for id_ in ids if self._wants(id_, payload, verdicts))

    def _wants(
        self, id_: str, payload: Mapping[str, Any], verdicts: dict[tuple[str, ...], bool]
    ) -> bool:
        subscription = self.subscriptions[id_]
        verdict = verdicts.get(subscription.queries)
        if verdict is None:
            verdict = verdicts[subscription.queries] = subscription.matches(payload)
        return verdict

    def _name_channels(self) -> None:
        named: dict[str, tuple[str, ...]] = {}
        for subscription in self.subscriptions.values():
            for channel in self.rewritten(subscription):
                named[channel] = (*named.get(channel, ()), subscription.id)
        self.channels = named


class Mailbox:
    """Frames on their way to one reader, with one writer, and never more than the limits."""

    __slots__ = ("_bytes", "_frames", "_on_end", "_waiter", "close_code", "is_overrun")

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._frames: deque[str] = deque()
        self._bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        #: The code to close with once everything before it is written.
        self.close_code = 0
        #: The reader is too slow: what waited for it is dropped.
        self.is_overrun = False

    def put(self, frame: str) -> None:
        if self.close_code:
            return
        self._frames.append(frame)
        self._bytes += len(frame)
        if len(self._frames) > MAX_QUEUED_FRAMES or self._bytes > MAX_QUEUED_BYTES:
            self.is_overrun = True
            self.close_code = CLOSE_TRY_AGAIN
            self._frames.clear()
            self._on_end()
        self._wake()

    def close(self, code: int) -> None:
        """Have the connection closed after the frames that wait."""
        if self.close_code:
            return
        self.close_code = code
        self._on_end()
        self._wake()

    async def take(self) -> str:
        """Return the next frame, or nothing when it is time to close."""
        while not self._frames:
            if self.close_code:
                return ""
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        frame = self._frames.popleft()
        self._bytes -= len(frame)
        return frame

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
