"""Places at the port: a listening socket for each web process, which outlives the process.

Who connects while a web process ends and the next one starts waits in the socket's queue. With a
socket of the process's own the queue would end along with it, and everybody who waits there.
"""

import os
import socket
from typing import Any


class Seat:
    """The place of one web process, held open in the supervisor and handed down by its fork."""

    def __init__(self, address: Any, family: socket.AddressFamily) -> None:
        self._address = address
        self._family = family
        self.descriptor = self._bound()

    def renew(self) -> None:
        """Send those who wait away, and newcomers to the other web processes."""
        os.close(self.descriptor)
        self.descriptor = self._bound()

    def listener(self) -> socket.socket:
        """Return the socket in the process that serves it, and which has to listen first."""
        return socket.socket(fileno=self.descriptor)

    def _bound(self) -> int:
        listener = socket.socket(self._family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(self._address)
        return listener.detach()
