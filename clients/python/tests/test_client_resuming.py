"""Subscriptions that go on from a cursor: each event once, whatever happens to the connection."""

from typing import Any

from appwrite_realtime import Event, Realtime, RealtimeError, Subscription, Timing
from realtime_server import QUICK, RealtimeServer, event_data, eventually

POSTS = "databases.default.collections.posts.documents"


class Feed:
    """The server's side of such subscriptions: it answers with what a test has put here."""

    def __init__(self, server: RealtimeServer) -> None:
        self.server = server

    def listen(self, realtime: Realtime, heard: list[Any], **options: Any) -> Subscription:
        def hear(event: Event) -> None:
            heard.append(event["payload"]["n"])

        return realtime.subscribe(POSTS, hear, since="first", **options)

    def emit(self, subscription: Subscription, *numbers: int) -> None:
        for number in numbers:
            data = event_data(POSTS, "create", {"n": number}, [subscription.id])
            self.server.send("event", data | {"change": f"c{number}"})

    def catch_up(self, subscription: Subscription, cursor: str) -> None:
        data = {"to": "replay", "success": True, "subscriptionId": subscription.id}
        self.server.send("response", data | {"cursor": cursor})

    def asked(self) -> list[str]:
        return [entry.get("since") for data in self.server.sent("subscribe") for entry in data]


def answering(server: RealtimeServer, *, is_complete: bool = True) -> Feed:
    server.replay = {"total": 0, "isComplete": is_complete}
    return Feed(server)


def test_after_a_loss_it_goes_on_from_the_last_cursor_and_repeats_nothing(server, realtime):
    feed, heard = answering(server), []
    subscription = feed.listen(realtime, heard)
    feed.emit(subscription, 1)
    feed.catch_up(subscription, "second")
    feed.emit(subscription, 2, 3)
    eventually(lambda: heard == [1, 2, 3])
    server.drop()
    eventually(lambda: feed.asked() == ["first", "second"] and server.subscription_count())
    feed.emit(subscription, 2, 3, 4)
    eventually(lambda: 4 in heard)
    assert heard == [1, 2, 3, 4]


def test_the_cursor_to_keep_is_that_behind_what_was_delivered(server, realtime):
    feed = answering(server)
    cursors: list[str] = []
    subscription = realtime.subscribe(
        POSTS, lambda _event: cursors.append(subscription.cursor), since="first"
    )
    feed.emit(subscription, 1)
    feed.catch_up(subscription, "second")
    feed.emit(subscription, 2)
    eventually(lambda: cursors == ["first", "second"])


def test_a_gap_is_told_before_later_events(server, realtime):
    feed, heard = answering(server, is_complete=False), []
    subscription = feed.listen(realtime, heard, on_gap=lambda: heard.append("gap"))
    feed.catch_up(subscription, "second")
    feed.emit(subscription, 1)
    eventually(lambda: heard == ["gap", 1])
    assert subscription.cursor == "second"


def test_a_gap_that_nobody_takes_care_of_is_an_error(server, realtime, errors):
    feed = answering(server, is_complete=False)
    feed.listen(realtime, [])
    eventually(lambda: errors)
    assert isinstance(errors[0], RealtimeError)


def test_a_server_that_knows_no_cursors_has_a_gap(server, realtime):
    heard: list[Any] = []
    Feed(server).listen(realtime, heard, on_gap=lambda: heard.append("gap"))
    eventually(lambda: heard == ["gap"])


def test_later_cursors_are_asked_for_while_events_come(server, client, realtime_for):
    timing = Timing(**(vars(QUICK) | {"ping_interval_seconds": 0.05, "cursor_renewal_seconds": 0}))
    feed, heard = answering(server), []
    subscription = feed.listen(realtime_for(client, timing=timing), heard)
    feed.catch_up(subscription, "second")
    feed.emit(subscription, 1)
    eventually(lambda: "second" in feed.asked())


def test_after_a_loss_no_frame_has_more_cursors_than_a_server_takes(server, realtime):
    feed = answering(server)
    realtime.subscribe(POSTS, print)
    for _ in range(9):
        feed.listen(realtime, [])
    server.drop()
    eventually(lambda: len(feed.asked()) == 20)
    assert [len(data) for data in server.sent("subscribe")[10:]] == [9, 1]


def test_subscriptions_without_a_cursor_are_as_ever(server, realtime):
    heard: list[Event] = []
    subscription = realtime.subscribe(POSTS, heard.append)
    server.emit(POSTS, n=1)
    server.emit(POSTS, n=1)
    eventually(lambda: len(heard) == 2)
    assert subscription.cursor == ""
    assert "since" not in server.sent("subscribe")[0][0]
