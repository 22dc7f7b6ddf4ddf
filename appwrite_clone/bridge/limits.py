"""How much of a machine one web process may take: threads, waiting requests, bytes, seconds."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.limits import MAX_BODY_BYTES

KIB = 1024
MIB = 1024 * KIB

#: Pieces in which a file is read and sent.
FILE_PIECE_BYTES = 64 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one bridge. Sizes are bytes, times seconds."""

    #: More than about four threads gain nothing: they wait for the interpreter lock.
    threads: int = 4
    #: Threads for requests that are known to be slow, so that the others wait for none of them.
    slow_threads: int = 2
    #: Threads that produce the pieces of streamed answers; a slow client holds none of them.
    stream_threads: int = 2
    #: Requests that wait or run; the next one is refused at once.
    max_pending: int = 256
    #: So is one that would have to wait longer, as things go, where so many per thread wait or run.
    max_queue_seconds: float = 1.0
    slow_queue_seconds: float = 4.0
    usual_pending: int = 32
    #: A request that waited longer for a thread is refused instead of served too late.
    max_wait_seconds: float = 5.0
    #: A request that has no answer by then is told to come again, whatever its thread is doing.
    max_answer_seconds: float = 9.5
    #: What a refused client is told to wait.
    retry_after_seconds: int = 1
    #: A larger body goes to a temporary file.
    memory_body_bytes: int = 256 * KIB
    max_body_bytes: int = MAX_BODY_BYTES
    #: A client that sends nothing of its body for so long is given up.
    body_idle_seconds: float = 30.0
    #: After a refusal so much of the body is still read, so that the answer is not lost to a reset.
    linger_bytes: int = 8 * MIB
    linger_seconds: float = 2.0
    max_headers: int = 128
