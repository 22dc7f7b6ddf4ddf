"""The hub and its index: who gets an event, and that nobody else does."""

import asyncio
import json
from dataclasses import replace

import pytest

from kernel.caller import Caller, CallerKind, ProjectContext
from realtime import limits
from realtime.frames import EventFrames
from realtime.identities import _is_same_user
from realtime.index import SocketIndex
from realtime.mailboxes import CLOSE_RESTART, CLOSE_TRY_AGAIN, Mailbox
from realtime.sockets import Socket
from realtime.subscriptions import Subscription

BLOG = ProjectContext(id=1, uid="blog", name="Blog")
SHOP = ProjectContext(id=2, uid="shop", name="Shop")


def caller(user_uid="", project=BLOG, *roles):
    if not user_uid:
        return Caller(project=project, roles=frozenset({"any", "guests", *roles}))
    held = frozenset({"any", "users", f"user:{user_uid}", *roles})
    return Caller(project=project, kind=CallerKind.SESSION, user_uid=user_uid, roles=held)


def socket_of(who, *channels, queries=("",), id_="s"):
    made = Socket(who.project.uid, who, lambda: who, Mailbox(lambda: None))
    if channels:
        wanted = tuple(filter(None, queries))
        made.subscribe([Subscription(id_, channels, wanted)])
    return made


@pytest.fixture
def index():
    return SocketIndex()


def test_only_holders_of_a_role_are_found(index):
    alice, bob = socket_of(caller("alice"), "documents"), socket_of(caller("bob"), "documents")
    index.put(alice)
    index.put(bob)
    assert index.find("blog", ["documents"], ["user:alice"]) == {alice: ["documents"]}


def test_any_reaches_everyone_guests_included(index):
    alice, guest = socket_of(caller("alice"), "documents"), socket_of(caller(), "documents")
    index.put(alice)
    index.put(guest)
    assert set(index.find("blog", ["documents"], ["user:x", "any"])) == {alice, guest}


def test_other_projects_and_channels_are_not_found(index):
    index.put(socket_of(caller("alice", SHOP), "documents"))
    index.put(socket_of(caller("alice"), "files"))
    assert index.find("blog", ["documents"], ["any"]) == {}


def test_no_roles_means_nobody(index):
    index.put(socket_of(caller("alice"), "documents"))
    assert index.find("blog", ["documents"], []) == {}


def test_a_socket_that_lost_a_role_is_not_found_any_more(index):
    alice = socket_of(caller("alice", BLOG, "team:t"), "documents")
    index.put(alice)
    alice.identify(caller("alice"))
    index.put(alice)
    assert index.find("blog", ["documents"], ["team:t"]) == {}
    assert index.find("blog", ["documents"], ["user:alice"]) == {alice: ["documents"]}


def test_a_muted_socket_hears_nothing_not_even_what_is_for_all(index):
    alice = socket_of(caller("alice"), "documents")
    index.put(alice)
    alice.mute()
    index.put(alice)
    assert index.find("blog", ["documents"], ["any", "user:alice"]) == {}


def test_sockets_without_channels_or_roles_come_and_go(index):
    quiet, muted, other = (socket_of(caller("alice"), *some) for some in ((), ("files",), ()))
    muted.mute()
    for each in (quiet, muted, other):
        index.put(each)
    for each in (quiet, muted, other):
        index.put(each)
        index.drop(each)
    assert (index._by_project, index._by_user, index._all, index._listed) == ({}, {}, {}, {})


def test_dropping_the_last_socket_leaves_nothing_behind(index):
    alice = socket_of(caller("alice"), "documents", "files")
    index.put(alice)
    index.drop(alice)
    index.drop(alice)
    assert (index._by_project, index._by_user, index._all, index._listed) == ({}, {}, {}, {})


def test_sockets_are_found_by_user(index):
    alice, guest = socket_of(caller("alice")), socket_of(caller())
    index.put(alice)
    index.put(guest)
    assert index.of_user("alice") == (alice,)
    assert index.of_user("nobody") == ()


def test_a_socket_names_every_subscription_that_matched_once():
    alice = socket_of(caller("alice"))
    alice.subscribe(
        [
            Subscription("one", ("documents", "rows")),
            Subscription("two", ("rows",), ('{"method":"equal","attribute":"a","values":[1]}',)),
            Subscription("three", ("files",)),
        ]
    )
    heard = ["documents", "rows"]
    assert alice.matching(heard, {"a": 1}, {}) == ("one", "two")
    assert alice.matching(heard, {"a": 2}, {}) == ("one",)
    assert alice.matching(["rows"], {"a": 1}, {}) == ("one", "two")


def test_sending_an_id_again_replaces_that_subscription():
    alice = socket_of(caller("alice"), "documents")
    alice.subscribe([Subscription("s", ("files",))])
    assert set(alice.channels) == {"files"}


def test_a_new_identity_rewrites_account_channels_and_keeps_subscriptions():
    one = socket_of(caller(), "account", "account.update", "documents")
    assert set(one.channels) == {"account", "account.update", "documents"}
    one.identify(caller("alice"))
    assert set(one.channels) == {"account", "account.alice", "account.alice.update", "documents"}


def test_frames_are_encoded_once_per_list_of_subscriptions():
    frames = EventFrames(
        events=("a.b.create", "a.*"), channels=("a",), timestamp="T", payload={"text": 'é"\n'}
    )
    text = frames.naming(("one", "two"))
    assert json.loads(text) == {
        "type": "event",
        "data": {
            "events": ["a.b.create", "a.*"],
            "channels": ["a"],
            "timestamp": "T",
            "payload": {"text": 'é"\n'},
            "subscriptions": ["one", "two"],
        },
    }
    assert frames.naming(("one", "two")) is text


def test_a_mailbox_gives_frames_in_order_and_then_ends():
    async def main():
        box = Mailbox(lambda: None)
        box.put("a")
        box.put("b")
        box.close(CLOSE_RESTART)
        box.put("too late")
        return [await box.take() for _ in range(3)], box.close_code

    assert asyncio.run(main()) == (["a", "b", ""], CLOSE_RESTART)


def test_a_mailbox_wakes_its_writer():
    async def main():
        box = Mailbox(lambda: None)
        waiting = asyncio.create_task(box.take())
        await asyncio.sleep(0)
        box.put("a")
        return await waiting

    assert asyncio.run(main()) == "a"


@pytest.mark.parametrize("bound", ["frames", "bytes"])
def test_a_reader_that_is_too_slow_is_ended_and_its_frames_dropped(bound):
    ended = []
    box = Mailbox(lambda: ended.append(True))
    count = limits.MAX_QUEUED_FRAMES + 1 if bound == "frames" else 2
    size = 1 if bound == "frames" else limits.MAX_QUEUED_BYTES
    for _ in range(count + 5):
        box.put("x" * size)
    assert (len(ended), box.close_code, box.is_overrun) == (1, CLOSE_TRY_AGAIN, True)
    assert not box._frames


def test_a_blocked_caller_is_not_the_same_user_any_more():
    alice = caller("alice")
    assert _is_same_user(alice, alice)
    assert not _is_same_user(alice, replace(alice, is_blocked=True))
    assert not _is_same_user(alice, caller())
    assert not _is_same_user(alice, replace(alice, session_uid="another"))
    assert CLOSE_RESTART != 1008  # clients would not come again
