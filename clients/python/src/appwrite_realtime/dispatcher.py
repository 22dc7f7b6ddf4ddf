"""The one thread that callbacks run on, so that none of them can hold up or break the socket."""

import logging
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread, current_thread

from .errors import RealtimeError

MAX_WAITING_CALLS = 10_000

logger = logging.getLogger("appwrite_realtime")


class Dispatcher:
    def __init__(self, on_error: Callable[[Exception], object] | None) -> None:
        self._on_error = on_error
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._is_overflowing = False
        self._thread = Thread(target=self._run, name="appwrite-realtime-callbacks", daemon=True)

    def start(self) -> None:
        if self._thread.ident is None:
            self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        self._calls.put(None)
        if self._thread.is_alive() and self._thread is not current_thread():
            self._thread.join(timeout_seconds)

    def submit(self, call: Callable[[], object]) -> None:
        """Queue one callback, or drop it and say so once when far too many are waiting."""
        if self._calls.qsize() < MAX_WAITING_CALLS:
            self._is_overflowing = False
            self._calls.put(call)
        elif not self._is_overflowing:
            self._is_overflowing = True
            self.report(RealtimeError("callbacks are too slow, events are being dropped"))

    def report(self, error: Exception) -> None:
        """Hand an error to `on_error` on the callbacks' thread, or log it where there is none."""
        self._calls.put(lambda: self._tell(error))

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - what a callback raises is the user's
                self._tell(error)
            except SystemExit:
                logger.warning("a callback called sys.exit(), which cannot end the program")

    def _tell(self, error: Exception) -> None:
        if self._on_error is None:
            logger.error("realtime: %s", error, exc_info=error)
            return
        try:
            self._on_error(error)
        except Exception:
            logger.exception("on_error itself failed on %r", error)
