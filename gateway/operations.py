"""The `@operation` label of every handler, and the one registry made of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from kernel.limits import DEFAULT_RATE_WINDOW_SECONDS

Handler = TypeVar("Handler", bound=Callable[..., object])

_registry: dict[str, "Operation"] = {}


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `limit` calls per window and key.

    Keys are patterns over `{ip}`, `{url}`, `{method}`, `{userId}` and `{param-NAME}`. The counter
    is cleared by an answer whose status is in `reset_on`.
    """

    limit: int
    keys: tuple[str, ...] = ("url:{url},ip:{ip}",)
    window_seconds: int = DEFAULT_RATE_WINDOW_SECONDS
    reset_on: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """What the gateway enforces before a handler runs. `scope` lists scopes that each suffice.

    What `is_for_servers` is closed to guests and users even where they hold such a scope; what
    `is_for_pending` is open to users who have yet to show a second factor, and what
    `is_for_enrolling` to those among them who have to set one up first.
    """

    id: str
    service: str
    scope: tuple[str, ...]
    rate_limit: RateLimit | None = None
    needs_project: bool = False
    is_for_servers: bool = False
    is_for_pending: bool = False
    is_for_enrolling: bool = False


def operation(
    *ids: str,
    scope: str | tuple[str, ...],
    twin_scope: str | tuple[str, ...] | None = None,
    rate_limit: RateLimit | None = None,
    needs_project: bool = False,
    is_for_servers: bool = False,
    is_for_pending: bool = False,
    is_for_enrolling: bool = False,
) -> Callable[[Handler], Handler]:
    """Label a handler with its public operation ids (`service.method`).

    A second id is the same operation in a product's second vocabulary: a view made with
    `dialect=1` answers as that one, under `twin_scope`. With `needs_project` the project
    `console` is refused; `is_for_servers` leaves keys and console members, `is_for_pending` lets
    users in who have yet to show a second factor, `is_for_enrolling` those who have none.
    """
    scopes = (scope, scope if twin_scope is None else twin_scope)
    labels = tuple(
        _register(
            Operation(
                id=public_id,
                service=public_id.partition(".")[0].lower(),
                scope=(accepted,) if isinstance(accepted, str) else accepted,
                rate_limit=rate_limit,
                needs_project=needs_project,
                is_for_servers=is_for_servers,
                is_for_pending=is_for_pending,
                is_for_enrolling=is_for_enrolling,
            )
        )
        for public_id, accepted in zip(ids, scopes, strict=False)
    )

    def mark(handler: Handler) -> Handler:
        handler.operations = labels  # type: ignore[attr-defined]  # a function's
        return handler

    return mark


def _register(label: Operation) -> Operation:
    if label.id in _registry:
        raise ValueError(f"operation {label.id} is labelled twice")
    _registry[label.id] = label
    return label


def all_operations() -> dict[str, Operation]:
    """Return every labelled operation by its id."""
    return dict(_registry)
