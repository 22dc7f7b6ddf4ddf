"""Documents that are sent inside one another, as a tree of those a write touches."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from documents.catalog import CollectionSchema, Neighbours, check_enabled
from documents.relations import MAX_DEPTH, Relation
from documents.store import StoredDocument
from kernel import fields, ids
from kernel.errors import ApiError, ErrorKind
from kernel.ids import UNIQUE_ID, is_valid_id
from kernel.limits import MAX_RELATED
from kernel.permissions import ITEM_ACTIONS

ID, PERMISSIONS = "$id", "$permissions"

_permissions = fields.permissions(ITEM_ACTIONS)


@dataclass(eq=False, slots=True)
class Node:
    """A document of a write: what was sent of it, and whom it is to be linked to.

    One that was only named holds no data, and has to exist; one whose id was made up is new.
    `links` hold all the links that the document is to have by a relationship. What is `stored`,
    and under which number, shows later.
    """

    schema: CollectionSchema
    uid: str
    above: "Node | None" = None
    is_sent: bool = False
    is_new: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    permissions: list[str] | None = None
    links: "dict[Relation, list[Node]]" = field(default_factory=dict)
    stored: StoredDocument | None = None
    number: int = 0

    @property
    def is_changed(self) -> bool:
        """Whether anything but the existence of the document is sent."""
        return bool(self.links) or any(not key.startswith("$") for key in self.data)


class Tree:
    """The documents of a write, each of them once, however often it is named."""

    def __init__(self, neighbours: Neighbours, schema: CollectionSchema, uid: str) -> None:
        self._neighbours = neighbours
        self.root = Node(schema, uid, is_sent=True)
        self._nodes = {(schema.id, uid): self.root}
        self.select = ["*"]

    @property
    def nodes(self) -> list[Node]:
        return list(self._nodes.values())

    @property
    def nested(self) -> list[Node]:
        return self.nodes[1:]

    def links(self) -> Iterator[tuple[Relation, Node, Node]]:
        """Return every link that is wanted, from the document whose links were sent."""
        for node in self._nodes.values():
            for relation, others in node.links.items():
                for other in others:
                    yield relation, node, other

    def grow(self, data: Mapping[str, Any]) -> None:
        """Read what was sent of the root, and of the documents inside it.

        Raises: RELATIONSHIP_VALUE_INVALID, COLLECTION_NOT_FOUND, DATABASE_NOT_FOUND
        """
        self._read(self.root, data, "", depth=0)
        for relation, node, other in list(self.links()):
            _mirror(relation, node, other)

    def _read(self, node: Node, data: Mapping[str, Any], path: str, *, depth: int) -> None:
        for key, value in data.items():
            relation = node.schema.relations.get(key)
            if relation is None:
                node.data[key] = value
                continue
            if depth == MAX_DEPTH:
                raise refusal(f"Relationships are nested to a depth of {MAX_DEPTH}.")
            self.select.append(f"{path}{key}.*")
            others = [
                self._other(node, relation, each, f"{path}{key}.", depth=depth + 1)
                for each in _listed(relation, key, value)
            ]
            node.links[relation] = list(dict.fromkeys(others))

    def _other(
        self, above: Node, relation: Relation, value: object, path: str, *, depth: int
    ) -> Node:
        schema = self._neighbours.of(relation)
        check_enabled(schema, self._neighbours.caller, self._neighbours.names)
        uid = _uid(value)
        node = self._named(schema, above, uid or ids.resolve_id(UNIQUE_ID))
        node.is_new = not uid
        if isinstance(value, dict):
            # What is staged in a transaction is sent again at its commit, and then has the same id.
            value[ID] = node.uid
            if node.is_sent and node.is_changed and len(value) > 1:
                raise refusal(f'"{node.uid}" is sent more than once.')
            node.is_sent = True
            node.permissions = _sent_permissions(value)
            sent = {key: value[key] for key in value if key not in (ID, PERMISSIONS)}
            self._read(node, sent, path, depth=depth)
        return node

    def _named(self, schema: CollectionSchema, above: Node, uid: str) -> Node:
        node = self._nodes.setdefault((schema.id, uid), Node(schema, uid, above))
        if len(self._nodes) > MAX_RELATED:
            raise refusal(f"No more than {MAX_RELATED:,} documents can be written at once.")
        return node


def refusal(reason: str) -> ApiError:
    return ApiError(ErrorKind.RELATIONSHIP_VALUE_INVALID, f"Invalid relationship value. {reason}")


def _listed(relation: Relation, key: str, value: object) -> list[object]:
    if value is None:
        return []
    if relation.is_list:
        if not isinstance(value, list):
            raise refusal(f'"{key}" must be an array of documents or document IDs.')
        return value
    if isinstance(value, list):
        raise refusal(f'"{key}" must be either a document or a document ID, array given.')
    return [value]


def _uid(value: object) -> str:
    """Return the id of a document that is sent, or named; an empty text where there is none."""
    uid = value.get(ID) if isinstance(value, dict) else value
    if isinstance(value, dict) and uid in (None, UNIQUE_ID):
        return ""
    if not isinstance(uid, str):
        raise refusal("Must be either a document, a document ID, or an array of these.")
    if not is_valid_id(uid):
        raise refusal(f'"{uid[:64]}" is no document ID.')
    return uid


def _sent_permissions(value: Mapping[str, Any]) -> list[str] | None:
    sent = value.get(PERMISSIONS)
    try:
        return None if sent is None else list(_permissions(sent))
    except ValueError as error:
        raise refusal(str(error)) from None


def _mirror(relation: Relation, node: Node, other: Node) -> None:
    """Add a link to those of its other end, where they were sent as well."""
    for twin, others in other.links.items():
        if twin.id != relation.id or twin.side == relation.side or node in others:
            continue
        others.append(node)
        if len(others) > 1 and not twin.is_list:
            raise refusal(f'"{other.uid}" is linked to two documents.')
