"""Shapes of lists."""

from dataclasses import dataclass

from kernel.fields import boolean, optional, queries, text
from kernel.limits import MAX_SEARCH_LENGTH


@dataclass(frozen=True, kw_only=True, slots=True)
class ListInput:
    queries: list[str] = optional(queries, default=[])
    total: bool = optional(boolean, default=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListProjectsInput(ListInput):
    search: str = optional(text(MAX_SEARCH_LENGTH), default="")
