"""The channel layer over LISTEN and NOTIFY, as any user of Channels sees it."""

import asyncio

import pytest

from realtime import database, layers
from realtime.layers import MessageTooLargeError, PostgresChannelLayer

SECONDS = 30.0
SILENCE_SECONDS = 0.2
POLL_SECONDS = 0.02


@pytest.fixture
def run(transactional_db):
    """Run a coroutine that is given a layer of its own."""

    def run_with_layer(work, **options):
        async def main():
            await asyncio.wait_for(work(PostgresChannelLayer(**options)), 4 * SECONDS)

        try:
            asyncio.run(main())
        finally:
            database.close_connections()

    return run_with_layer


async def received(layer, channel):
    return await asyncio.wait_for(layer.receive(channel), SECONDS)


async def stays_empty(layer, channel):
    waiting = asyncio.ensure_future(layer.receive(channel))
    done, _ = await asyncio.wait({waiting}, timeout=SILENCE_SECONDS)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return not done


def test_a_message_reaches_one_channel(run):
    async def work(layer):
        one, other = await layer.new_channel(), await layer.new_channel()
        await layer.send(one, {"type": "hello", "text": "é\n"})
        assert await received(layer, one) == {"type": "hello", "text": "é\n"}
        assert await stays_empty(layer, other)

    run(work)


def test_a_group_reaches_its_members_until_they_leave(run):
    async def work(layer):
        one, other = await layer.new_channel(), await layer.new_channel()
        await layer.group_add("group", one)
        await layer.group_add("group", other)
        await layer.group_send("group", {"type": "first"})
        assert await received(layer, one) == {"type": "first"}
        assert await received(layer, other) == {"type": "first"}
        await layer.group_discard("group", other)
        await layer.group_discard("group", other)
        await layer.group_send("group", {"type": "second"})
        assert await received(layer, one) == {"type": "second"}
        assert await stays_empty(layer, other)

    run(work)


def test_a_message_to_several_groups_comes_once(run):
    async def work(layer):
        one = await layer.new_channel()
        await layer.group_add("first", one)
        await layer.group_add("second", one)
        await database.in_database(layer.notify_groups, ["first", "second"], {"type": "news"})
        assert await received(layer, one) == {"type": "news"}
        assert await stays_empty(layer, one)

    run(work)


def test_a_receiver_that_leaves_takes_its_memberships_along(run):
    async def work(layer):
        one = await layer.new_channel()
        await layer.group_add("group", one)
        assert await stays_empty(layer, one)  # cancels its wait
        assert (layer._inboxes, dict(layer._groups)) == ({}, {})

    run(work)


def test_flush_forgets_everything(run):
    async def work(layer):
        await layer.group_add("group", await layer.new_channel())
        await layer.flush()
        assert (layer._inboxes, dict(layer._groups)) == ({}, {})

    run(work)


@pytest.mark.parametrize("name", ["with space", "new\nline", "a,b", "@at", "x" * 101, ""])
def test_names_that_could_be_misread_are_refused(run, name):
    async def work(layer):
        with pytest.raises(TypeError):
            await layer.group_send(name, {"type": "x"})
        with pytest.raises(TypeError):
            await layer.send(name, {"type": "x"})

    run(work)


def test_a_message_too_large_for_notify_is_refused(run):
    async def work(layer):
        with pytest.raises(MessageTooLargeError):
            await layer.group_send("group", {"type": "x", "text": "y" * 7500})

    run(work)


def test_a_full_channel_is_told_as_a_gap(run):
    gaps = []

    async def work(layer):
        channel = await layer.new_channel()
        await layer.group_add("group", channel)
        layer.watch_gaps(lambda: gaps.append(True))  # a listener that has just begun tells one
        for number in range(5):
            await layer.group_send("group", {"type": "x", "number": number})
        async with asyncio.timeout(SECONDS):
            while len(gaps) < 2:
                await asyncio.sleep(POLL_SECONDS)
        await asyncio.sleep(SILENCE_SECONDS)
        assert len(gaps) == 2
        assert [(await received(layer, channel))["number"] for _ in range(3)] == [0, 1, 2]
        await layer.group_send("group", {"type": "x", "number": 5})
        assert (await received(layer, channel))["number"] == 5
        assert len(gaps) == 2

    run(work, capacity=3)


def test_a_channel_is_full_however_late_its_loop_is(run):
    gaps = []

    async def work(layer):
        await layer.group_add("group", await layer.new_channel())
        layer.watch_gaps(lambda: gaps.append(True))
        for _ in range(5):  # on the loop itself, which gets round to none of them
            layer.hear('group\n{"type":"x"}')
        assert len(gaps) == 2

    run(work, capacity=3)


def test_a_lost_listener_is_told_as_a_gap(run):
    gaps = []

    async def work(layer):
        layer.watch_gaps(lambda: gaps.append(True))
        layers.hear("")
        assert gaps == [True]

    run(work)
