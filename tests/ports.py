"""Ports for servers that tests start."""

import contextlib
import secrets
import socket

#: Below those that the operating system gives to connections, and to servers that name none.
FIRST, COUNT = 18_000, 14_000


def free_port() -> int:
    """Return a port that nobody listens on, nor is likely to until a server has started there."""
    while True:
        port = FIRST + secrets.randbelow(COUNT)  # another one in each process, whatever its seed
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
