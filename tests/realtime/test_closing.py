"""How a socket is closed on servers with habits of their own."""

import asyncio

import pytest

from realtime import consumers
from realtime.consumers import RealtimeConsumer


class Server:
    """The sending side of a server, as far as closing goes."""

    def __init__(self):
        self.closed_with = 0
        self.is_aborted = False
        self.transport = self

    async def send(self, message):
        if message["type"] == "websocket.close":
            self.close(message["code"])

    def close(self, code):
        self.closed_with = code

    def abort(self):
        self.is_aborted = True


class Daphne(Server):
    def close(self, code):
        if code < 3000:
            raise Exception(f"invalid close code {code}")  # as its library does
        super().close(code)


class Stalled(Server):
    async def send(self, _message):
        await asyncio.sleep(60)


class Gone(Server):
    def close(self, _code):
        raise ConnectionResetError


@pytest.mark.parametrize(
    ("kind", "code", "is_aborted"),
    [(Server, 1008, False), (Daphne, 4008, False), (Stalled, 0, True), (Gone, 0, False)],
)
def test_closing_on_each_kind_of_server(monkeypatch, kind, code, is_aborted):
    monkeypatch.setattr(consumers, "CLOSE_SECONDS", 0.05)

    async def main():
        server = kind()
        consumer = RealtimeConsumer()
        consumer.base_send = server.send
        consumer._writer = consumer._spawn(consumer._write())
        consumer._mailbox.put("a frame")
        consumer._mailbox.close(1008)
        await asyncio.gather(*consumer._tasks, return_exceptions=True)
        return server

    server = asyncio.run(main())
    assert (server.closed_with, server.is_aborted) == (code, is_aborted)
