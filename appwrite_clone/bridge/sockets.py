"""A short way to websockets: where a connection is ready for it, a text is written at once.

Uvicorn's own `send` is awaited, by a task of each connection that somebody has to wake, and packs
each text anew. An event goes to thousands of connections in the same words.
"""

from __future__ import annotations

from functools import lru_cache

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State

#: The extension of a scope that holds `write`.
EXTENSION = "appwrite.write"
#: Texts kept as they are sent: many connections in a row are told the same.
PACKED_TEXTS = 4


class DirectSocketProtocol(WebSocketsSansIOProtocol):
    """Offers applications a `write` that does not wait."""

    async def run_asgi(self) -> None:
        extensions = self.scope["extensions"] or {}
        self.scope["extensions"] = extensions | {EXTENSION: {"write": self.write}}
        await super().run_asgi()

    def write(self, text: str) -> bool:
        """Write a text; tell whether that could be done, else it is to be sent."""
        is_open = self.conn.state is State.OPEN and not self.close_sent and not self.disconnected
        if not is_open or not self.writable.is_set() or self.conn.extensions:
            return False
        if self.transport.is_closing():
            return False
        self.transport.write(_packed(text))
        return True


@lru_cache(maxsize=PACKED_TEXTS)
def _packed(text: str) -> bytes:
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
