"""A real Redis for one test or one module."""

import contextlib
import subprocess
import time
from pathlib import Path

import redis as redis_client

from tests.ports import free_port

START_SECONDS = 60


class RedisServer:
    """A Redis of its own, which can be killed and started again on its port."""

    def __init__(self, program: str, directory: Path) -> None:
        self.port = free_port()
        self._command = [program, "--port", str(self.port), "--save", "", "--dir", str(directory)]
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_SECONDS
        with redis_client.Redis.from_url(self.url) as client:
            while True:
                with contextlib.suppress(redis_client.ConnectionError):
                    client.ping()
                    return
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
