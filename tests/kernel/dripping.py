"""A server of a tenant's that never comes to an end: it always says a little more."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PIECE_SECONDS = 0.02


@contextmanager
def dripping(greeting: bytes, piece: bytes) -> Iterator[int]:
    """Run a local server that greets, and then sends a piece again and again; yields its port."""
    over = threading.Event()

    def drip(listening):
        with suppress(OSError):
            connected, _ = listening.accept()
            with connected:
                connected.sendall(greeting)
                while not over.wait(PIECE_SECONDS):
                    connected.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()
