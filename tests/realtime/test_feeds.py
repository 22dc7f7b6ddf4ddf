"""Feeds: what was missed comes first, live events wait, and a reader too slow is sent away."""

import asyncio

from realtime.feeds import Entry, Feed
from realtime.frames import EventFrames
from realtime.mailboxes import Mailbox

PATIENCE_SECONDS = 30.0


def frames_of(number: int) -> EventFrames:
    return EventFrames(events=["e"], channels=["c"], timestamp="", payload={"n": number})


def test_live_events_wait_until_the_replay_is_read():
    async def main():
        mailbox = Mailbox(lambda: None)
        feed = Feed("s", mailbox)
        missed = [Entry(number, frames_of(number)) for number in range(300)]
        catching_up = asyncio.create_task(feed.catch_up(missed, "done"))
        for number in (299, 300, 301):  # one of them is in the log as well
            feed.hear(Entry(number, frames_of(number)))
        await asyncio.sleep(0)
        assert not catching_up.done()  # more than the mailbox may hold at once
        taken = [await mailbox.take() for _ in range(303)]
        assert taken.pop(300) == "done"
        await asyncio.wait_for(catching_up, PATIENCE_SECONDS)
        feed.hear(Entry(302, frames_of(302)))
        feed.hear(Entry(301, frames_of(301)))
        taken.append(await mailbox.take())
        assert [f'{{"n":{number}}}' in text for number, text in enumerate(taken)] == [True] * 303
        assert not mailbox.close_code

    asyncio.run(main())


def test_a_reader_too_slow_for_what_comes_live_is_sent_away(monkeypatch):
    monkeypatch.setattr("realtime.feeds.MAX_HELD_EVENTS", 3)
    mailbox = Mailbox(lambda: None)
    feed = Feed("s", mailbox)
    for number in range(4):
        feed.hear(Entry(number, frames_of(number)))
    assert mailbox.close_code == 1013


def test_what_an_ended_subscription_missed_is_let_go_of_at_once():
    async def main():
        mailbox = Mailbox(lambda: None)
        ended, other = Feed("s", mailbox), Feed("t", mailbox)
        missed = [Entry(number, frames_of(number)) for number in range(300)]
        letting_go = asyncio.create_task(ended.catch_up(missed, "done"))
        waiting = asyncio.create_task(other.catch_up(missed, "done"))
        await asyncio.sleep(0)
        ended.end()
        await asyncio.wait_for(letting_go, PATIENCE_SECONDS)
        assert not waiting.done()
        mailbox.close(1000)
        await asyncio.wait_for(waiting, PATIENCE_SECONDS)

    asyncio.run(main())


def test_an_ended_subscription_is_told_nothing_more():
    async def main():
        mailbox = Mailbox(lambda: None)
        feed = Feed("s", mailbox)
        feed.end()
        await feed.catch_up([Entry(1, frames_of(1))], "done")
        mailbox.put("last")
        assert await mailbox.take() == "last"

    asyncio.run(main())
