"""Where the time of one request goes: CPU microseconds per part, each part without the others."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from pathlib import Path
from pkgutil import resolve_name
from typing import Any
from unittest import mock

import gateway.views
from bench import inside
from bench.requests import Request
from gateway.wsgi import Handler
from kernel import notify

ROUNDS = 100
ROUND = 20  # requests
LISTEN_SECONDS = 5.0
BEGIN, END = "<!-- profile: begin -->\n", "<!-- profile: end -->"

HANDLER = "handler"
# What is patched belongs to a part; time spent in another part below it is that one's.
PARTS: dict[str, tuple[str, ...]] = {
    "finding the view": ("gateway.wsgi.resolve",),
    "project, origin, headers": ("projects.middleware.ProjectMiddleware.__call__",),
    "label, parameters, limits": ("gateway.views.Endpoint.dispatch",),
    "credentials": ("gateway.views.read_credentials", "accounts.authentication.authenticate"),
    "statements, client side": ("kernel.sql._run",),
    "collection, permissions": ("documents.services.documents.get_document",),
    "answer": ("documents.services.documents.reading.document_output", "gateway.views._respond"),
}


class Stopwatch:
    """CPU time of this thread by part; a part stops while another one below it runs."""

    def __init__(self, clock: Callable[[], int] = time.thread_time_ns) -> None:
        self.spent: Counter[str] = Counter()
        self._clock = clock
        self._inner: list[int] = []

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            begin = self._clock()
            self._inner.append(0)
            try:
                return function(*args, **kwargs)
            finally:
                passed = self._clock() - begin
                self.spent[part] += passed - self._inner.pop()
                if self._inner:
                    self._inner[-1] += passed

        return run


def profile(request: Request, prefix: str) -> dict[str, float]:
    """Return the microseconds of each part, each the best of many rounds of one request."""
    watch = Stopwatch()
    best: dict[str, float] = {}
    with _watched(watch):
        send = _sender(watch, request, prefix)
        for _ in range(ROUNDS):
            watch.spent.clear()
            for _ in range(ROUND):
                send()
            for part, spent in watch.spent.items():
                best[part] = min(best.get(part, spent), spent)
    return {part: spent / ROUND / 1000 for part, spent in best.items()}


@contextmanager
def _watched(watch: Stopwatch) -> Iterator[None]:
    # Cached by name, and so deaf to patches.
    gateway.views._authenticate.cache_clear()
    notify.start(timeout_seconds=LISTEN_SECONDS)  # servers do: they know callers
    try:
        with ExitStack() as patches:
            for part, targets in PARTS.items():
                for target in targets:
                    timed = watch.timed(part, resolve_name(target))
                    patches.enter_context(mock.patch(target, timed))
            yield
    finally:
        notify.stop()
        gateway.views._authenticate.cache_clear()


def _sender(watch: Stopwatch, request: Request, prefix: str) -> Callable[[], None]:
    answer = watch.timed(HANDLER, partial(inside.answer, Handler()))
    return lambda: answer(inside.environ(request, prefix))


def write(path: Path, table: str) -> None:
    """Put a table in the place that a page keeps for it."""
    head, _, rest = path.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    path.write_text(f"{head}{BEGIN}\n{table}\n\n{END}{tail}")
