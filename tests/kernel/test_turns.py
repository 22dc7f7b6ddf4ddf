"""Turns at guessing: each in vain makes the next come later."""

import pytest
import time_machine

from kernel.turns import (
    FORGET_SECONDS,
    MAX_WAIT_SECONDS,
    Turn,
    forget_turns,
    give_turn_back,
    take_both_turns,
    take_turn,
)

pytestmark = [pytest.mark.db, pytest.mark.django_db]

NOON = 1_800_000_000
FREE = 3


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def take(key="k"):
    return take_turn(key, free=FREE)


def test_turns_after_the_free_ones_come_later_and_later(clock):
    assert [take() for _ in range(FREE)] == [0] * FREE
    now, waits = NOON, []
    for _ in range(14):
        wait = take()
        waits.append(wait)
        now += wait
        clock.move_to(now)
        assert take() == 0
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert waits[-1] == MAX_WAIT_SECONDS


def test_waiting_too_little_costs_no_turn(clock):
    for _ in range(FREE + 2):
        take()
    assert take() == 1
    clock.move_to(NOON + 1)
    assert take() == 0


def test_an_hour_without_a_turn_forgets_them(clock):
    for _ in range(FREE + 1):
        take()
    clock.move_to(NOON + FORGET_SECONDS + 2)
    assert [take() for _ in range(FREE)] == [0] * FREE


def test_success_forgets_the_turns_of_its_key_alone():
    for key in ("a", "b"):
        for _ in range(FREE):
            take(key)
    forget_turns("a")
    assert (take("a"), take("b")) == (0, 1)


def test_a_turn_given_back_undoes_one_and_no_more(clock):
    for _ in range(FREE - 1):
        take()
    give_turn_back("k")
    assert [take() for _ in range(3)] == [0, 0, 1]
    give_turn_back("unknown")
    assert take("unknown") == 0


def test_of_two_turns_the_second_is_not_taken_while_the_first_has_to_wait():
    def take_both(second):
        return take_both_turns(Turn("address", FREE), Turn(second, 2))

    assert [take_both(name) for name in ("alice", "alice", "alice")] == [0, 0, 1]
    assert take_both("bob") == 1  # her three turns were all that the address had
    assert [take_turn("bob", free=2) for _ in range(3)] == [0, 0, 1]
