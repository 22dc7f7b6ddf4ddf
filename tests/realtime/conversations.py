"""Websocket conversations with the real consumer, layer and database."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlencode

from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from kernel.caller import ProjectContext
from kernel.events import Event, publish
from realtime import database
from realtime.routing import websocket_urlpatterns

#: Less than from one look-up of an identity to the next, if nobody says that it changed.
TIMEOUT_SECONDS = 30.0
#: Longer than any event of this process takes to arrive.
SILENCE_SECONDS = 0.3
POLL_SECONDS = 0.01

application: Any = URLRouter(websocket_urlpatterns)


class Connection:
    """One websocket, spoken to in parsed frames."""

    def __init__(self, path: str, headers: Mapping[str, str]) -> None:
        sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._socket = WebsocketCommunicator(application, path, headers=sent)
        self._socket.scope["client"] = ("127.0.0.1", 4000)

    async def open(self) -> dict[str, Any]:
        """Open, and return the data of the first frame."""
        is_open, _ = await self._socket.connect(timeout=TIMEOUT_SECONDS)
        assert is_open
        first = await self.receive()
        self.first_type = first["type"]
        data: dict[str, Any] = first["data"]
        return data

    async def send(self, type_: str, data: Any = None) -> None:
        await self.send_text(json.dumps({"type": type_} | ({} if data is None else {"data": data})))

    async def send_text(self, text: str) -> None:
        await self._socket.send_to(text_data=text)

    async def send_bytes(self, data: bytes) -> None:
        await self._socket.send_to(bytes_data=data)

    async def receive(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await self._socket.receive_from(TIMEOUT_SECONDS))
        return frame

    async def ask(self, type_: str, data: Any = None) -> dict[str, Any]:
        """Send a frame and return the one that answers it."""
        await self.send(type_, data)
        return await self.receive()

    async def subscribe(self, *channels: str, id_: str = "s", queries: Any = ()) -> None:
        entry = {"subscriptionId": id_, "channels": channels, "queries": list(queries)}
        assert (await self.ask("subscribe", [entry]))["type"] == "response"

    async def is_silent(self) -> bool:
        return await self._socket.receive_nothing(timeout=SILENCE_SECONDS)

    async def closed_with(self) -> int:
        """Wait for the server to close, passing over frames."""
        while (message := await self._socket.receive_output(TIMEOUT_SECONDS))[
            "type"
        ] != "websocket.close":
            pass
        code: int = message["code"]
        return code

    async def close(self) -> None:
        await self._socket.disconnect(timeout=TIMEOUT_SECONDS)


async def until(condition: Callable[[], object]) -> None:
    """Wait for what happens on the loop or a thread."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not condition():
            await asyncio.sleep(POLL_SECONDS)


class Connections:
    """Makes connections and closes those a test leaves open."""

    def __init__(self) -> None:
        self._made: list[Connection] = []

    def make(
        self,
        project: ProjectContext | str = "",
        *,
        path: str = "/v1/realtime",
        headers: Mapping[str, str] | None = None,
        **query: str | list[str],
    ) -> Connection:
        uid = project if isinstance(project, str) else project.uid
        pairs = [("project", uid)] if uid else []
        for name, value in query.items():
            if isinstance(value, list):
                pairs += [(f"{name}[]", each) for each in value]
            else:
                pairs.append((name, value))
        made = Connection(f"{path}?{urlencode(pairs)}", headers or {})
        self._made.append(made)
        return made

    async def open(self, *args: Any, **kwargs: Any) -> Connection:
        made = self.make(*args, **kwargs)
        await made.open()
        return made

    async def close(self) -> None:
        for each in self._made:
            await each.close()


Conversation = Callable[[Connections], Coroutine[Any, Any, None]]


def hold(conversation: Conversation) -> None:
    """Run an asynchronous conversation; what it leaves open is closed."""

    async def main() -> None:
        connections = Connections()
        try:
            await conversation(connections)
        finally:
            await connections.close()

    try:
        asyncio.run(main())
    finally:
        database.close_connections()


async def announce_event(project: ProjectContext, name: str, *roles: str, **payload: Any) -> None:
    """Publish an event from another thread, as a request does."""
    event = Event(name, project.id, project.uid, payload, roles)
    await database.in_database(publish, event)
