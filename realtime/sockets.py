"""One open connection as the hub sees it: who it is, and what it wants."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from realtime.feeds import Entry, Feed
from realtime.mailboxes import Mailbox
from realtime.subscriptions import Subscription, rewrite

if TYPE_CHECKING:
    from kernel.caller import Caller


class Socket:
    """Identity and subscriptions of one connection; `channels` maps to ids of subscriptions."""

    __slots__ = (
        "caller",
        "channels",
        "checked_at",
        "feeds",
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
        #: The ways of the subscriptions that go on from a cursor, by their ids.
        self.feeds: dict[str, Feed] = {}
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
        """Add subscriptions; live events of those with a cursor wait until they caught up."""
        for each in subscriptions:
            self.subscriptions[each.id] = each
            former = self._drop_feed(each.id)
            if each.since:
                self.feeds[each.id] = former.renewed() if former else Feed(each.id, self.mailbox)
        self._name_channels()

    def unsubscribe(self, subscription_id: str) -> bool:
        """Drop a subscription; tell whether there was one."""
        was_there = self.subscriptions.pop(subscription_id, None) is not None
        self._drop_feed(subscription_id)
        self._name_channels()
        return was_there

    @property
    def unread_bytes(self) -> int:
        """How much of what its subscriptions missed waits for the reader."""
        return sum(each.unread_bytes for each in self.feeds.values())

    def _drop_feed(self, subscription_id: str) -> Feed | None:
        feed = self.feeds.pop(subscription_id, None)
        if feed is not None:
            feed.end()
        return feed

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

    def deliver(self, entry: Entry, subscription_ids: tuple[str, ...]) -> None:
        """Put a live event into the mailbox, or on the feeds of subscriptions that have one."""
        if self.feeds:
            for id_ in subscription_ids:
                if id_ in self.feeds:
                    self.feeds[id_].hear(entry)
            subscription_ids = tuple(id_ for id_ in subscription_ids if id_ not in self.feeds)
        if subscription_ids:
            self.mailbox.put(entry.frames.naming(subscription_ids))

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
