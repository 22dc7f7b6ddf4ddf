"""A reader that takes nothing, on a live server: it is cut off, and nobody else waits for it."""

import asyncio
import base64
import contextlib
import json
import os
import socket

import pytest
import uvicorn
from websockets.asyncio.client import connect

from appwrite_clone.bridge.sockets import DirectSocketProtocol
from realtime import consumers
from realtime.hub import hub
from tests.realtime.conversations import TIMEOUT_SECONDS, application, until

EVENTS = 120
BURST = 15
PAYLOAD_BYTES = 200_000
RECEIVE_BUFFER_BYTES = 4096


@contextlib.asynccontextmanager
async def live_server(protocol=DirectSocketProtocol):
    """Serve the sockets on a port of their own, on the running loop."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,
        ws=protocol,
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="critical",
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    await serving
    listener.close()


async def silent_reader(port, project):
    """Subscribe by hand, and never read again."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, ("127.0.0.1", port))
    lines = [
        f"GET /v1/realtime?project={project.uid}&channels[]=documents HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
    ]
    await loop.sock_sendall(raw, ("\r\n".join(lines) + "\r\n\r\n").encode())
    received = b""
    while b'"connected"' not in received:
        received += await loop.sock_recv(raw, 4096)
    return raw


def message(project, number, text="x" * PAYLOAD_BYTES):
    return {
        "type": "event",
        "name": "databases.d.collections.c.documents.x.update",
        "project": project.uid,
        "roles": ["any"],
        "timestamp": "",
        "changed": "",
        "outbox": 0,
        "payload": {"number": number, "text": text},
    }


@pytest.mark.parametrize("protocol", [DirectSocketProtocol, "websockets-sansio"])
def test_a_slow_reader_is_cut_off_and_others_do_not_wait(talk, project, monkeypatch, protocol):
    monkeypatch.setattr(consumers, "CLOSE_SECONDS", 0.3)

    async def conversation(_connections):
        async with live_server(protocol) as port:
            slow = await silent_reader(port, project)
            url = f"ws://127.0.0.1:{port}/v1/realtime?project={project.uid}&channels[]=documents"
            async with connect(url, max_size=None) as quick:
                await quick.recv()
                assert sockets_open() == 2
                for number in range(EVENTS):
                    await hub().deliver(message(project, number))
                    frame = json.loads(await asyncio.wait_for(quick.recv(), TIMEOUT_SECONDS))
                    assert frame["data"]["payload"]["number"] == number
                await until(lambda: sockets_open() == 1)
            slow.close()
            await until(lambda: sockets_open() == 0)

    talk(conversation)


def test_events_are_written_in_their_order_without_a_task_of_the_connection(
    talk, project, monkeypatch
):
    sent, send = [], DirectSocketProtocol.send

    async def record(self, what):
        sent.append(what["type"])
        await send(self, what)

    monkeypatch.setattr(DirectSocketProtocol, "send", record)
    texts = ["ß", "x" * 100, "\N{SNOWMAN}" * 30_000, "", "y" * 70_000]  # lengths of each kind

    async def conversation(_connections):
        async with live_server() as port:
            url = f"ws://127.0.0.1:{port}/v1/realtime?project={project.uid}&channels[]=documents"
            async with connect(url) as first, connect(url) as second:
                for each in (first, second):
                    await each.recv()
                sent.clear()
                for number, text in enumerate(texts):
                    await hub().deliver(message(project, number, text))
                for each in (first, second):
                    heard = [json.loads(await each.recv())["data"]["payload"] for _ in texts]
                    assert [payload["text"] for payload in heard] == texts
                assert sent == []
                await first.send('{"type":"ping"}')
                assert json.loads(await first.recv()) == {"type": "pong"}
                for number in range(BURST):  # more than a connection takes at once
                    await hub().deliver(message(project, number))
                for number in range(BURST):
                    heard = json.loads(await first.recv())["data"]["payload"]
                    assert heard["number"] == number

    talk(conversation)


def test_a_reader_that_can_still_read_is_told_to_come_again(talk, project):
    async def conversation(_connections):
        async with live_server() as port:
            url = f"ws://127.0.0.1:{port}/v1/realtime?project={project.uid}&channels[]=documents"
            async with connect(url) as one:
                await one.recv()
                hub()._close_all()
                await asyncio.wait_for(one.wait_closed(), TIMEOUT_SECONDS)
                assert one.close_code == 1012

    talk(conversation)


def sockets_open():
    return sum(1 for _ in hub()._index)
