"""NOTIFY and LISTEN: short messages between processes, at most once, after commit."""

import logging
import os
import select
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
from django.db import connection
from psycopg import sql as psql

from kernel import sql
from kernel.attendance import HOLD, LEAVE, NOTIFY_IF_WANTED
from kernel.bundles import Sender, parted

Callback = Callable[[str], None]

FIRST_RETRY_SECONDS = 0.2
LAST_RETRY_SECONDS = 5.0
POLL_SECONDS = 1.0
KEEPALIVE_SECONDS = 30
CONNECT_TIMEOUT_SECONDS = 5
PIPE_BYTES = 4096

_logger = logging.getLogger(__name__)
_callbacks: dict[str, list[Callback]] = defaultdict(list)
_wants: dict[str, Callable[[], bool]] = {}
_attended: set[str] = set()
_lock = threading.Lock()
_settled = threading.Condition(_lock)
_thread: threading.Thread | None = None
_sender: Sender | None = None
_pipe: tuple[int, int] | None = None
_listening = threading.Event()
_stopping = threading.Event()


def notify(channel: str, payload: str) -> None:
    """Send a message to every listening process; call it after commit, in autocommit.

    Inside the writing transaction it would make commits wait for one another.
    """
    sql.execute("SELECT pg_notify(%s, %s)", (channel, payload))


def post(channel: str, payload: str) -> None:
    """Send a message without waiting for it, in a process that `start_sending` was called in.

    In all others it is sent at once, like those of `notify`.
    """
    sender = _sender
    if sender is None:
        notify(channel, payload)
    else:
        sender.post(channel, payload)


def post_if_wanted(channel: str, payload: str) -> None:
    """Do as `post` does, unless no process wants the channel (see `want`)."""
    sender = _sender
    if sender is None:
        sql.execute(NOTIFY_IF_WANTED, {"channel": channel, "payload": payload})
    else:
        sender.post(channel, payload, is_optional=True)


def start_sending() -> None:
    """Have messages that are posted leave on a thread of their own, in bundles."""
    global _sender  # noqa: PLW0603  # one per process
    with _lock:
        if _sender is None:
            _sender = Sender(_connect)


def stop_sending() -> None:
    """Send what waits; later messages leave at once again."""
    global _sender  # one per process
    with _lock:
        sender, _sender = _sender, None
    if sender is not None:
        sender.stop()


def listen(channel: str, callback: Callback) -> None:
    """Have `callback` called with each message of `channel`, on the process's listener thread.

    After a lost connection it is called with "", which means: messages may have been missed.
    """
    with _lock:
        _callbacks[channel].append(callback)


def want(channel: str, wants: Callable[[], bool]) -> None:
    """Have what is posted for those who want a channel come here whenever `wants` says so."""
    with _lock:
        _wants[channel] = wants


def attend(channel: str, *, timeout_seconds: float) -> bool:
    """Wait until others know that the channel is wanted; tell whether they do by the timeout.

    What is committed from then on is heard. If they only learn of it later, or after a lost
    connection, the callbacks are told that messages may have been missed.
    """
    with _settled:
        if channel not in _attended:
            _wake()
            _settled.wait_for(lambda: channel in _attended, timeout_seconds)
        return channel in _attended


def start(*, timeout_seconds: float = 0.0) -> bool:
    """Start the listener thread once per process; tell whether it is listening by the timeout."""
    global _thread, _pipe  # noqa: PLW0603  # one thread per process, after every fork
    with _lock:
        if _thread is None or not _thread.is_alive():
            _listening.clear()
            _attended.clear()
            _pipe = _pipe_of_own(_pipe)
            _thread = threading.Thread(target=_run, name="notify", daemon=True)
            _thread.start()
    return _listening.wait(timeout_seconds)


def is_listening() -> bool:
    """Tell whether this process hears what is announced now."""
    return _listening.is_set() and _thread is not None and _thread.is_alive()


def stop() -> None:
    """End the listener thread and its connection; `start` begins anew."""
    thread = _thread
    if thread is None or not thread.is_alive():
        return
    _stopping.set()
    _wake()
    thread.join()
    _listening.clear()
    _attended.clear()
    _stopping.clear()


def _run() -> None:
    delay = FIRST_RETRY_SECONDS
    while not _stopping.is_set():
        try:
            with _connect() as listener:
                delay = FIRST_RETRY_SECONDS
                _follow(listener)
        except psycopg.Error as error:
            _listening.clear()
            with _lock:
                _attended.clear()
            _logger.warning("listener lost its connection: %s", error)
        _stopping.wait(delay)
        delay = min(delay * 2, LAST_RETRY_SECONDS)


def _connect() -> psycopg.Connection[tuple[object, ...]]:
    parameters = connection.get_connection_params()
    wanted = {key: parameters[key] for key in _CONNECTION_KEYS if key in parameters}
    return psycopg.connect(
        **wanted,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        keepalives_idle=KEEPALIVE_SECONDS,
    )


_CONNECTION_KEYS = ("dbname", "user", "password", "host", "port", "sslmode", "sslrootcert")


def _follow(listener: psycopg.Connection[tuple[object, ...]]) -> None:
    known: set[str] = set()
    early: deque[psycopg.Notify] = deque()  # what comes while the connection does something else
    listener.add_notify_handler(early.append)
    _subscribe_new(listener, known)
    _settle(listener)
    for channel in sorted(known):
        _call(channel, "")
    _listening.set()
    while not _stopping.is_set():
        for channel, bundle in _heard(listener, early):
            for payload in parted(bundle):
                _call(channel, payload)
        _subscribe_new(listener, known)
        _settle(listener)


def _heard(
    listener: psycopg.Connection[tuple[object, ...]], early: deque[psycopg.Notify]
) -> Iterator[tuple[str, str]]:
    """Wait for messages, a second at most; the driver's own way lets go of the interpreter often.

    Raises:
        psycopg.OperationalError: The connection is lost.
    """
    while early:
        yield early[0].channel, early.popleft().payload
    pgconn = listener.pgconn
    waiting = select.poll()  # `select` knows but the first 1,024 descriptors
    waiting.register(pgconn.socket, select.POLLIN)
    if _pipe is not None:
        waiting.register(_pipe[0], select.POLLIN)
    woken = waiting.poll(POLL_SECONDS * 1000)
    if _pipe is not None and any(descriptor == _pipe[0] for descriptor, _ in woken):
        os.read(_pipe[0], PIPE_BYTES)
    pgconn.consume_input()
    while message := pgconn.notifies():
        yield message.relname.decode(), message.extra.decode()


def _subscribe_new(listener: psycopg.Connection[tuple[object, ...]], known: set[str]) -> None:
    with _lock:
        wanted = set(_callbacks) - known
    if not wanted:
        return
    for channel in wanted:
        listener.execute(psql.SQL("LISTEN {}").format(psql.Identifier(channel)))
    known |= wanted


def _settle(listener: psycopg.Connection[tuple[object, ...]]) -> None:
    """Let others know which channels are wanted here by now, and which no longer are."""
    for channel, wants in tuple(_wants.items()):
        with _lock:
            is_wanted, is_known = wants(), channel in _attended
            if not is_wanted:
                _attended.discard(channel)
        if is_known and not is_wanted:
            listener.execute(LEAVE, (channel,))
        elif is_wanted and not is_known:
            listener.execute(HOLD, (channel,))
            _call(channel, "")
            with _settled:
                _attended.add(channel)
                _settled.notify_all()


def _wake() -> None:
    """Have the listener look up at once."""
    if _pipe is not None:
        with suppress(BlockingIOError):  # it is about to
            os.write(_pipe[1], b"x")


def _pipe_of_own(last: tuple[int, int] | None) -> tuple[int, int]:
    """Return a pipe that this process shares with none it was forked from."""
    for end in last or ():
        os.close(end)
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends


def _call(channel: str, payload: str) -> None:
    for callback in tuple(_callbacks[channel]):
        try:
            callback(payload)
        except Exception:  # one listener's bug must not silence the others
            _logger.exception("listener of %s failed", channel)
