"""Documents that are deleted along with their links, and with those that hang on them."""

from collections.abc import Iterable

from django.db import transaction

from documents import store
from documents.catalog import CollectionSchema, Neighbours
from documents.relations import CASCADE, RESTRICT, Relation
from documents.services.documents.access import may
from documents.services.documents.touching import Touched, each_of
from documents.services.documents.writes import Write, announce_many, delete_one
from documents.store import End
from kernel.errors import ApiError, ErrorKind
from kernel.limits import MAX_BULK_ROWS
from kernel.permissions import DELETE

Group = tuple[CollectionSchema, list[int]]


def delete_linked(write: Write, schema: CollectionSchema) -> None:
    """Delete a document whose collection is related to others, as its relationships say.

    Raises: as `delete_document`, and DOCUMENT_DELETE_RESTRICTED, BAD_REQUEST
    """
    neighbours = Neighbours(write.caller, schema, write.names)
    with neighbours.checked(), transaction.atomic():
        store.lock_relations(each.id for each in schema.sides if _changes_others(each))
        found = store.lock_documents(schema, uids=[write.document_id], strength="UPDATE")
        if not found:
            raise ApiError(write.names.document_not_found)
        _check(write, schema, found)
        plan = _Plan(write, neighbours)
        plan.add(schema, [found[0].id])
        plan.finish(found[0].id)
        delete_one(write, schema)


class _Plan:
    """What a deletion does: whom it takes along, whom it only touches, whose links go."""

    def __init__(self, write: Write, neighbours: Neighbours) -> None:
        self._write = write
        self._neighbours = neighbours
        self._doomed: dict[int, CollectionSchema] = {}
        self._ends: set[End] = set()
        self._restricting: set[int] = set()
        self._touched: dict[int, CollectionSchema] = {}

    def add(self, schema: CollectionSchema, numbers: list[int]) -> None:
        """Doom locked documents, and then level by level those that hang on them.

        Raises: USER_UNAUTHORIZED, BAD_REQUEST
        """
        level: list[Group] = [(schema, numbers)]
        while level:
            for group, members in level:
                self._doomed |= dict.fromkeys(members, group)
            if len(self._doomed) > MAX_BULK_ROWS:
                raise _too_many(self._write)
            hanging: dict[int, Group] = {}
            for group, members in level:
                self._look_around(group, members, hanging)
            level = [self._locked(*group) for _, group in sorted(hanging.items())]

    def finish(self, root: int) -> None:
        """Do what was planned to all documents but the root.

        Raises: DOCUMENT_DELETE_RESTRICTED
        """
        self._refuse_restricted()
        touched = Touched()
        for number, schema in self._touched.items():
            if number not in self._doomed:
                touched.add(schema, number)
        touched.write(self._write)
        store.unlink_ends(self._ends)
        for schema, numbers in _by_collection(self._doomed, root):
            part, log = each_of(self._write, schema, "delete")
            announce_many(part, schema, log, store.delete_many(schema, numbers, log))

    def _look_around(
        self, schema: CollectionSchema, numbers: list[int], hanging: dict[int, Group]
    ) -> None:
        """Do to those linked to documents what their relationships say."""
        self._ends |= {(each.id, each.side, number) for each in schema.sides for number in numbers}
        concerned = {(each.id, each.side): each for each in schema.sides if _concerns(each)}
        found = store.links_of(
            [(*side, number) for side in concerned for number in numbers], most=MAX_BULK_ROWS + 1
        )
        for link in found:
            for end, other in link.ends():
                relation = concerned.get(end[:2])
                if relation is not None and end[2] in self._doomed:
                    self._apply(relation, other, hanging)
        if len(found) > MAX_BULK_ROWS:
            self._refuse_restricted()
            raise _too_many(self._write)

    def _apply(self, relation: Relation, number: int, hanging: dict[int, Group]) -> None:
        if number in self._doomed:
            return
        if relation.is_head and relation.on_delete == RESTRICT:
            self._restricting.add(number)
        elif relation.is_head and relation.on_delete == CASCADE:
            related = self._neighbours.of(relation)
            hanging.setdefault(related.id, (related, []))[1].append(number)
        elif relation.others_are_holders:
            self._touched[number] = self._neighbours.of(relation)

    def _refuse_restricted(self) -> None:
        if self._restricting - self._doomed.keys():
            raise ApiError(self._write.names.document_delete_restricted)

    def _locked(self, schema: CollectionSchema, numbers: list[int]) -> Group:
        """Lock documents that hang on others; only now their links are known to be all."""
        found = store.lock_documents(schema, ids=numbers, strength="UPDATE")
        _check(self._write, schema, found)
        return schema, [each.id for each in found]


def _check(
    write: Write, schema: CollectionSchema, documents: Iterable[store.StoredDocument]
) -> None:
    for each in documents:
        if not may(write.caller, DELETE, schema, each.permissions).is_allowed:
            raise ApiError(ErrorKind.USER_UNAUTHORIZED)


def _concerns(relation: Relation) -> bool:
    """Tell whether deleting a document of this side asks or does anything of those linked to it."""
    return relation.is_head or relation.others_are_holders


def _changes_others(relation: Relation) -> bool:
    is_restricted = relation.is_head and relation.on_delete == RESTRICT
    return _concerns(relation) and not is_restricted


def _too_many(write: Write) -> ApiError:
    return ApiError(
        ErrorKind.BAD_REQUEST,
        f"More than {MAX_BULK_ROWS:,} {write.names.documents} are related to it.",
    )


def _by_collection(doomed: dict[int, CollectionSchema], root: int) -> list[Group]:
    groups: dict[int, Group] = {}
    for number, schema in doomed.items():
        if number != root:
            groups.setdefault(schema.id, (schema, []))[1].append(number)
    return [groups[key] for key in sorted(groups)]
