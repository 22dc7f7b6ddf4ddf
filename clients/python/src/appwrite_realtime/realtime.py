"""Subscriptions over one shared connection."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event as Flag
from threading import Lock
from types import TracebackType
from typing import Any, Self

from appwrite.client import Client

from .address import session_secret, socket_url
from .connection import Connection
from .dispatcher import Dispatcher
from .errors import MESSAGE_INVALID, POLICY_VIOLATION, RealtimeError
from .frames import Event, Frame, parse_error, parse_event
from .subscription import Subscription
from .timing import Timing

DEFAULT_TIMING = Timing()
CURSORS_PER_FRAME = 8  # the server takes no more


@dataclass(frozen=True)
class Request:
    """A frame still to be answered: answers come in order and name only its kind."""

    kind: str
    subscriptions: Sequence[Subscription] = ()


class Realtime:
    """Subscriptions on behalf of whoever the client acts for: a user, or a guest.

    The connection opens with the first subscription, comes back by itself after a loss, and then
    renews every subscription. All methods may be called from any thread, callbacks included.
    Callbacks run one after another on a thread of their own. What they raise, and what the server
    refuses while nobody waits for it, goes to `on_error`, or to the log where there is none.
    """

    def __init__(
        self,
        client: Client,
        *,
        on_error: Callable[[Exception], object] | None = None,
        timing: Timing = DEFAULT_TIMING,
    ) -> None:
        self._client = client
        self._timing = timing
        self._dispatcher = Dispatcher(on_error)
        self._lock = Lock()
        self._subscriptions: dict[str, Subscription] = {}
        self._requests: deque[Request] = deque()
        self._connection: Connection | None = None
        self._is_online = False
        self._is_closed = False
        self._ended = Flag()
        self._end_error: RealtimeError | None = None

    def subscribe(
        self,
        channels: str | Iterable[object],
        on_message: Callable[[Event], object],
        queries: Iterable[object] = (),
        *,
        timeout: float | None = 10.0,
        since: str = "",
        on_gap: Callable[[], object] | None = None,
    ) -> Subscription:
        """Call `on_message` with each event on the channels whose payload matches all queries.

        With `since`, a cursor of a collection's change feed, come first the events since then, and
        after every loss of the connection those that were missed. Where that is not possible
        `on_gap` is called, to read the list anew; later events come after it has returned.

        Returns once the server has confirmed, so that no later event is missed. `timeout` is in
        seconds: `None` waits without end, 0 does not wait.

        Raises: RealtimeError when the server refuses the subscription, or is not heard in time.
        """
        subscription = Subscription(
            _texts(channels),
            _texts(queries),
            on_message,
            on_close=self._remove,
            is_awaited=timeout != 0,
            since=since,
            on_gap=on_gap,
        )
        if not subscription.channels:
            raise ValueError("a subscription needs at least one channel")
        socket_url(self._client)  # an unusable client fails here, in the caller's thread
        self._add(subscription)
        try:
            if timeout != 0 and not subscription.wait(timeout):
                raise self._not_confirmed(timeout)
        except BaseException:
            subscription.close()
            raise
        return subscription

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the connection has ended for good, at most `timeout` seconds; tell if it has.

        Raises: RealtimeError when it was the server that ended it.
        """
        has_ended = self._ended.wait(timeout)
        if has_ended and self._end_error is not None:
            raise self._end_error
        return has_ended

    def close(self) -> None:
        """End every subscription and the connection, for good."""
        with self._lock:
            self._is_closed = True
            connection, self._connection = self._connection, None
            subscriptions = self._drop_all()
        for subscription in subscriptions:
            subscription.refuse(RealtimeError("the realtime connection was closed"))
        if connection is not None:
            connection.stop()
        self._dispatcher.stop(self._timing.close_timeout_seconds)
        self._ended.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _add(self, subscription: Subscription) -> None:
        with self._lock:
            if self._is_closed:
                raise RealtimeError("the realtime connection was closed")
            self._subscriptions[subscription.id] = subscription
            if self._connection is None:
                self._connection = self._connect()
            elif self._is_online:
                self._ask_for([subscription])

    def _remove(self, subscription: Subscription) -> None:
        with self._lock:
            is_known = self._subscriptions.pop(subscription.id, None) is not None
            if is_known and self._is_online:
                self._ask("unsubscribe", [{"subscriptionId": subscription.id}])

    def _drop_all(self) -> list[Subscription]:
        self._is_online = False
        subscriptions = list(self._subscriptions.values())
        self._subscriptions.clear()
        return subscriptions

    def _connect(self) -> Connection:
        self._ended.clear()
        self._end_error = None
        self._dispatcher.start()
        connection = Connection(
            self._client,
            self._timing,
            on_frame=self._on_frame,
            on_loss=self._on_loss,
            on_end=self._on_end,
        )
        connection.start()
        return connection

    def _ask(self, kind: str, data: object, subscriptions: Sequence[Subscription] = ()) -> None:
        # Sent under the lock, so that requests are queued in the order the server reads them.
        if self._connection is not None:
            self._requests.append(Request(kind, subscriptions))
            self._connection.send(kind, data)

    def _ask_for(self, subscriptions: Sequence[Subscription]) -> None:
        for batch in _batches(subscriptions):
            frames = [subscription.frame() for subscription in batch]
            self._ask("subscribe", frames, batch)

    def _on_frame(self, frame: Frame) -> None:
        match frame.type:
            case "connected":
                self._greet(frame.data)
            case "event":
                self._route(frame.data)
            case "pong":
                self._renew_cursors()
            case "response":
                self._settle(frame.data)
            case "error":
                self._refuse(parse_error(frame.data))

    def _greet(self, data: dict[str, Any]) -> None:
        """Authenticate if the handshake did not, then renew every subscription in few frames."""
        secret = session_secret(self._client)
        with self._lock:
            self._is_online = True
            self._requests.clear()
            if secret and not data.get("user"):
                self._ask("authentication", {"session": secret})
            self._ask_for(list(self._subscriptions.values()))

    def _route(self, data: dict[str, Any]) -> None:
        event = parse_event(data)
        if event is None:
            return
        change = str(data.get("change", ""))
        for subscription in self._known(event["subscriptions"]):
            if subscription.progress is None or subscription.progress.takes(change):
                self._dispatcher.submit(partial(subscription.deliver, event))

    def _settle(self, data: dict[str, Any]) -> None:
        with self._lock:
            request = next((it for it in self._requests if it.kind == data.get("to")), None)
            if request is not None:
                self._requests.remove(request)
        if data.get("to") == "replay":
            self._advance(data)
        if data.get("to") == "subscribe":
            answers = {each.get("subscriptionId"): each for each in data.get("subscriptions", ())}
            for subscription in self._known(answers):
                replay = answers[subscription.id].get("replay") or {}
                if subscription.progress is not None and not replay.get("isComplete"):
                    self._tell_gap(subscription)
                subscription.confirm()

    def _advance(self, data: dict[str, Any]) -> None:
        """Take the cursor that comes behind what was missed."""
        cursor = str(data.get("cursor", ""))
        for subscription in self._known([data.get("subscriptionId")]):
            if subscription.progress is not None and cursor:
                subscription.progress.advance(cursor)
                self._dispatcher.submit(partial(subscription.reach, cursor))

    def _tell_gap(self, subscription: Subscription) -> None:
        if subscription.on_gap is not None:
            self._dispatcher.submit(subscription.on_gap)
        else:
            self._dispatcher.report(RealtimeError("events were missed: read the list anew"))

    def _renew_cursors(self) -> None:
        """Ask for later cursors now and then, so that a loss never repeats much."""
        seconds = self._timing.cursor_renewal_seconds
        with self._lock:
            due = [
                each
                for each in self._subscriptions.values()
                if each.progress is not None and each.progress.is_due(seconds)
            ]
            if self._is_online:
                self._ask_for(due)

    def _refuse(self, error: RealtimeError) -> None:
        """Give an error frame to those it is about: the oldest unanswered request."""
        with self._lock:
            if not self._is_online or error.code == POLICY_VIOLATION:
                return  # the socket closes next, and that reaches everybody
            request = self._requests.popleft() if self._requests else Request("")
            refused = [it for it in request.subscriptions if it.id in self._subscriptions]
            if len(refused) > 1 and error.code == MESSAGE_INVALID:
                for subscription in refused:  # one of them is wrong: find out which
                    self._ask_for([subscription])
                return
            for subscription in refused:
                del self._subscriptions[subscription.id]
        self._announce(error, refused, is_news=not request.subscriptions)

    def _on_loss(self) -> None:
        with self._lock:
            self._is_online = False

    def _on_end(self, error: RealtimeError) -> None:
        with self._lock:
            self._connection = None
            self._end_error = error
            refused = self._drop_all()
        self._announce(error, refused)
        self._ended.set()

    def _announce(
        self, error: RealtimeError, refused: Sequence[Subscription], *, is_news: bool = False
    ) -> None:
        is_heard = [subscription.refuse(error) for subscription in refused]
        if is_news or not all(is_heard):
            self._dispatcher.report(error)

    def _known(self, ids: Iterable[Any]) -> list[Subscription]:
        with self._lock:
            return [self._subscriptions[it] for it in ids if it in self._subscriptions]

    def _not_confirmed(self, timeout: float | None) -> RealtimeError:
        connection = self._connection
        cause = connection.last_failure if connection is not None else None
        because = f" ({cause})" if cause is not None else ""
        return RealtimeError(f"the server did not confirm within {timeout} seconds{because}")


def _batches(subscriptions: Sequence[Subscription]) -> Iterator[Sequence[Subscription]]:
    """Split subscriptions so that no frame has too many cursors."""
    resuming = [each for each in subscriptions if each.progress is not None]
    first = [each for each in subscriptions if each.progress is None]
    first += resuming[:CURSORS_PER_FRAME]
    if first:
        yield first
    for start in range(CURSORS_PER_FRAME, len(resuming), CURSORS_PER_FRAME):
        yield resuming[start : start + CURSORS_PER_FRAME]


def _texts(values: str | Iterable[object]) -> list[str]:
    return [values] if isinstance(values, str) else [str(value) for value in values]
