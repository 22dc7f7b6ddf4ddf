"""Notices that a channel layer lost messages, for layers that do not say so themselves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

BEAT_SECONDS = 1.0
PATIENCE_SECONDS = 2.0

logger = logging.getLogger(__name__)


class Pulse:
    """Sends itself beats through the layer; when one returns after some were lost, there was a gap.

    An outage shorter than a beat stays unnoticed.
    """

    def __init__(self, send: Callable[[int], Awaitable[None]], on_gap: Callable[[], None]) -> None:
        self._send = send
        self._on_gap = on_gap
        self._sent = 0
        self._heard = asyncio.Event()

    def hear(self, number: int) -> None:
        if number == self._sent:
            self._heard.set()

    async def run(self) -> None:
        """Beat for ever."""
        is_lost = False
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            if not await self._beat():
                is_lost = True
            elif is_lost:
                is_lost = False
                logger.warning("the channel layer is back; clients are told to come again")
                self._on_gap()

    async def _beat(self) -> bool:
        self._sent += 1
        self._heard.clear()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._send(self._sent)
                await self._heard.wait()
        except Exception as error:  # noqa: BLE001  # whatever a layer's server is in
            logger.warning("the channel layer does not answer: %r", error)
            return False
        return True
