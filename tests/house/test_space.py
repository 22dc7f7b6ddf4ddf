"""The switch that stops writing on a nearly full disk."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from appwrite_clone.embedded import space
from appwrite_clone.embedded.space import RESERVE_BYTES, Space

POSTMASTER = 4711


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Signals that were sent, instead of being sent."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *sending: sent.append(sending))
    return sent


@pytest.fixture
def leave(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Set how many bytes the disk has left."""

    def set_free(free: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))

    return set_free


def test_writing_stops_and_goes_on_with_the_room(
    tmp_path: Path, told: list[tuple[int, int]], leave: Callable[[int], None]
):
    switch = Space(tmp_path)
    switch.prepare(None)
    seen = []
    for free in (RESERVE_BYTES, RESERVE_BYTES - 1, 0, RESERVE_BYTES, 2 * RESERVE_BYTES):
        leave(free)
        seen.append((switch.watch(POSTMASTER), switch.is_short))

    assert seen == [(False, False), (True, True), (False, True), (False, True), (True, False)]
    assert told == [(POSTMASTER, signal.SIGHUP)] * 2


def test_a_switch_left_on_stays_on_over_a_restart(
    tmp_path: Path, told: list[tuple[int, int]], leave: Callable[[int], None]
):
    leave(0)
    Space(tmp_path).prepare(None)
    Space(tmp_path).watch(POSTMASTER)
    Space(tmp_path).prepare(None)

    assert Space(tmp_path).is_short
    assert (tmp_path / space.FILE).read_text() == space.READ_ONLY
