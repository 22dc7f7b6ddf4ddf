"""Relationships of collections: their kinds, their two sides, and what each side may hold.

The side that was asked for is the parent, the related collection the child. Links between the
documents of both are rows of one table, `document_link`, whichever kind the relationship is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ONE_TO_ONE, ONE_TO_MANY = "oneToOne", "oneToMany"
MANY_TO_ONE, MANY_TO_MANY = "manyToOne", "manyToMany"
TYPES: Final = (ONE_TO_ONE, MANY_TO_ONE, MANY_TO_MANY, ONE_TO_MANY)

CASCADE, RESTRICT, SET_NULL = "cascade", "restrict", "setNull"
ON_DELETE: Final = (CASCADE, RESTRICT, SET_NULL)

PARENT, CHILD = "parent", "child"
#: How many relationships a path of a select, a filter or nested data may follow.
MAX_DEPTH = 3

_LISTS = frozenset(
    {(ONE_TO_MANY, PARENT), (MANY_TO_ONE, CHILD), (MANY_TO_MANY, PARENT), (MANY_TO_MANY, CHILD)}
)
#: The sides that hold the link as a value of their own in the reference; of the rest it is made up.
_HOLDERS = frozenset({(ONE_TO_ONE, PARENT), (ONE_TO_MANY, CHILD), (MANY_TO_ONE, PARENT)})
#: The sides on whose documents the others hang.
_HEADS = frozenset(
    {(ONE_TO_ONE, PARENT), (ONE_TO_MANY, PARENT), (MANY_TO_ONE, CHILD), (MANY_TO_MANY, PARENT)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A relationship as one of its sides sees it; `collection_*` and `two_way_key` name the other.

    `id` is common to both sides, and never used again.
    """

    id: int
    type: str
    side: str
    collection_id: int
    collection_uid: str
    two_way: bool
    two_way_key: str
    on_delete: str

    @property
    def other_side(self) -> str:
        return CHILD if self.side == PARENT else PARENT

    @property
    def is_list(self) -> bool:
        """Whether a document of this side may have several links."""
        return (self.type, self.side) in _LISTS

    @property
    def others_have_lists(self) -> bool:
        return (self.type, self.other_side) in _LISTS

    @property
    def is_holder(self) -> bool:
        """Whether a link belongs to the document of this side, so that a new one changes it."""
        return self._holds(self.side)

    @property
    def others_are_holders(self) -> bool:
        return self._holds(self.other_side)

    @property
    def is_head(self) -> bool:
        """Whether deleting a document of this side does to the others what `on_delete` says."""
        if self.type == ONE_TO_ONE and self.side == CHILD:
            return self.two_way and self.on_delete == CASCADE
        return (self.type, self.side) in _HEADS

    @property
    def has_one_parent(self) -> bool:
        """Whether a child document has at most one link."""
        return (self.type, CHILD) not in _LISTS

    @property
    def has_one_child(self) -> bool:
        return (self.type, PARENT) not in _LISTS

    def pair(self, own_id: int, other_id: int) -> tuple[int, int]:
        """Return the ids of two linked documents, the parent's first."""
        return (own_id, other_id) if self.side == PARENT else (other_id, own_id)

    def _holds(self, side: str) -> bool:
        is_twin = self.type == ONE_TO_ONE and self.two_way
        return is_twin or (self.type, side) in _HOLDERS


def load(entry: Mapping[str, Any]) -> Relation:
    """Read a relationship from a collection's JSON."""
    return Relation(**entry)


def stored_name(relation_id: int, side: str) -> str:
    """Return the name of an attribute that is a relationship; no key begins with a tilde."""
    return f"~{relation_id:d}:{side}"


def id_of_name(name: str) -> int | None:
    """Return the relationship that an attribute is by its stored name, None for values."""
    return int(name[1:].partition(":")[0]) if name.startswith("~") else None
