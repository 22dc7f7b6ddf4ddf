"""Random sockets, grants and events against the rule itself: nobody hears what is not theirs."""

import asyncio
import json
from dataclasses import replace
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.caller import Caller, CallerKind, ProjectContext
from kernel.event_names import expand
from realtime.hub import Hub
from realtime.mailboxes import Mailbox
from realtime.sockets import Socket
from realtime.subscriptions import Subscription, rewrite
from realtime.topics import topics

PROJECTS = [ProjectContext(id=1, uid="blog", name=""), ProjectContext(id=2, uid="shop", name="")]
ROLES = ["any", "guests", "users", "user:a", "user:b", "team:t", "label:x"]
CHANNELS = ["documents", "rows", "documents.create", "databases.d.collections.c.documents", "files"]
NAMES = [
    "databases.d.collections.c.documents.x.create",
    "tablesdb.d.tables.c.rows.x.update",
    "buckets.b.files.f.create",
]
QUERY = json.dumps({"method": "greaterThan", "attribute": "size", "values": [5]})
EVERYTHING = '{"method":"select","values":["*"]}'

callers = st.builds(
    Caller,
    project=st.sampled_from(PROJECTS),
    kind=st.just(CallerKind.SESSION),
    user_uid=st.sampled_from(["", "a", "b"]),
    roles=st.frozensets(st.sampled_from(ROLES), min_size=1),
)
subscriptions = st.lists(
    st.builds(
        Subscription,
        id=st.sampled_from(["one", "two", "three"]),
        channels=st.lists(st.sampled_from(CHANNELS), min_size=1, unique=True).map(tuple),
        queries=st.sampled_from([(EVERYTHING,), (QUERY,)]),
    ),
    max_size=3,
    unique_by=lambda each: each.id,
)
events = st.fixed_dictionaries(
    {
        "type": st.just("event"),
        "name": st.sampled_from(NAMES),
        "project": st.sampled_from(["blog", "shop"]),
        "roles": st.lists(st.sampled_from(ROLES), max_size=3, unique=True),
        "timestamp": st.just(""),
        "changed": st.just(""),
        "outbox": st.just(0),
        "payload": st.fixed_dictionaries({"size": st.integers(0, 10)}),
    }
)


def rightful(caller, wanted, event):
    """The rule of the reference in plain words: the ids of the subscriptions that match."""
    if caller.project.uid != event["project"]:
        return []
    if "any" not in event["roles"] and not caller.roles.intersection(event["roles"]):
        return []
    heard = set(topics(event["name"], event["project"]).project)
    return [
        each.id
        for each in wanted
        if heard.intersection(rewrite(each.channels, caller.user_uid))
        and (each.queries == (EVERYTHING,) or event["payload"]["size"] > 5)
    ]


@settings(max_examples=300)
@given(people=st.lists(st.tuples(callers, subscriptions), max_size=6), news=st.lists(events))
def test_everyone_hears_exactly_what_is_theirs(people, news):
    async def main():
        hub = Hub(asyncio.get_running_loop())
        mailboxes = []
        for caller, wanted in people:
            mailbox = Mailbox(lambda: None)
            one = Socket(caller.project.uid, caller, partial(replace, caller), mailbox)
            one.subscribe(wanted)
            hub._index.put(one)
            mailboxes.append(mailbox)
        for event in news:
            await hub.deliver(event)
        for (caller, wanted), mailbox in zip(people, mailboxes, strict=True):
            frames = [json.loads(text)["data"] for text in mailbox._frames]
            due = [(event, ids) for event in news if (ids := rightful(caller, wanted, event))]
            assert [set(frame["subscriptions"]) for frame in frames] == [set(ids) for _, ids in due]
            for frame, (event, _) in zip(frames, due, strict=True):
                assert frame["payload"] == event["payload"]
                assert frame["events"] == list(expand(event["name"]))

    asyncio.run(main())
