"""NOTIFY and LISTEN: short messages between processes, at most once, after commit."""

import logging
import select
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator

import psycopg
from django.db import connection
from psycopg import sql as psql

from kernel import sql
from kernel.bundles import Sender, parted

Callback = Callable[[str], None]

FIRST_RETRY_SECONDS = 0.2
LAST_RETRY_SECONDS = 5.0
POLL_SECONDS = 1.0
KEEPALIVE_SECONDS = 30
CONNECT_TIMEOUT_SECONDS = 5

_logger = logging.getLogger(__name__)
_callbacks: dict[str, list[Callback]] = defaultdict(list)
_lock = threading.Lock()
_thread: threading.Thread | None = None
_sender: Sender | None = None
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


def start(*, timeout_seconds: float = 0.0) -> bool:
    """Start the listener thread once per process; tell whether it is listening by the timeout."""
    global _thread  # noqa: PLW0603  # one thread per process, after every fork
    with _lock:
        if _thread is None or not _thread.is_alive():
            _listening.clear()
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
    thread.join()
    _listening.clear()
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
    for channel in sorted(known):
        _call(channel, "")
    _listening.set()
    while not _stopping.is_set():
        for channel, bundle in _heard(listener, early):
            for payload in parted(bundle):
                _call(channel, payload)
        _subscribe_new(listener, known)


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
    waiting.poll(POLL_SECONDS * 1000)
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


def _call(channel: str, payload: str) -> None:
    for callback in tuple(_callbacks[channel]):
        try:
            callback(payload)
        except Exception:  # one listener's bug must not silence the others
            _logger.exception("listener of %s failed", channel)
