"""Tests of related documents, which a filter reaches by a path such as `author.name`."""

from dataclasses import dataclass

from documents.catalog import CollectionSchema
from documents.relations import Relation
from kernel.query import Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Related(Filter):
    """A test that a linked document must pass, or must not, among those the caller may read.

    `roles` are those of which a document must grant read to one; None means every document.
    """

    relation: Relation
    schema: CollectionSchema
    roles: tuple[str, ...] | None
    tests: tuple[Filter, ...]
    is_negative: bool = False
