"""The way from the event loop to the database: a few threads with connections of their own."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connections

from kernel import sql
from realtime.limits import DATABASE_THREADS

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def _new_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="realtime-database")


_threads = _new_threads()


async def in_database(
    function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    """Run a synchronous function that uses the database, in a context of its own."""

    def run() -> Result:
        close_old_connections()
        sql.drop_dead_connection()
        try:
            return contextvars.Context().run(function, *args, **kwargs)
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_threads, run)


def close_connections() -> None:
    """End the threads and close their connections; later calls start new ones."""
    global _threads  # one pool per process
    ended, _threads = _threads, _new_threads()
    together = threading.Barrier(DATABASE_THREADS)  # so that each thread takes exactly one

    def close() -> None:
        together.wait()
        connections.close_all()

    for _ in range(DATABASE_THREADS):
        ended.submit(close)
    ended.shutdown()
