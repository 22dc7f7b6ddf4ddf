"""Related documents in answers: those a select asks for, one statement for each relationship."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from documents import filters, store
from documents.catalog import CollectionSchema, Neighbours
from documents.outputs import EVERYTHING, document_output
from documents.relations import MAX_DEPTH, Relation
from documents.services.documents.access import readers_of
from documents.services.documents.paths import followed
from documents.vocabulary import Vocabulary
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.limits import MAX_RELATED
from kernel.query import ListQuery

Answer = dict[str, Any]

_ALL = ListQuery()


@dataclass(frozen=True, slots=True)
class Branch:
    """One relationship to load, and what its documents show.

    `readers` are the roles whose documents are shown; None shows all, an empty list none. `query`
    says which of them, in what order and how many of each list; None means every one.
    """

    key: str
    relation: Relation
    schema: CollectionSchema
    readers: list[str] | None
    plan: "Plan"
    query: ListQuery | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What answers show: names of the collection's own, all where there is none, and branches.

    `query` is what was asked for, the paths of its conditions followed.
    """

    select: tuple[str, ...] | None
    branches: tuple[Branch, ...] = ()
    query: ListQuery = _ALL

    def attach(self, found: Iterable[tuple[int, Answer]], names: Vocabulary) -> None:
        """Put related documents into answers, each of which comes with its document's number.

        Raises: BAD_REQUEST
            StaleSchemaError: A collection changed meanwhile.
        """
        if self.branches:
            _attach(dict(found), self.branches, names)


@contextmanager
def planned(
    caller: Caller, schema: CollectionSchema, query: ListQuery, names: Vocabulary
) -> Iterator[Plan]:
    """Plan what a query asks of related documents; the body has to be done again when it is stale.

    Raises: QUERY_INVALID
        StaleSchemaError: A collection changed meanwhile.
    """
    for key, _ in query.related:
        if key not in schema.relations:
            raise filters.refusal(f"relationship needs a relationship attribute, not {key[:64]}.")
    if not schema.relations:
        filters.check_select(schema.attributes, query.select)
        yield Plan(query.select, query=query)
        return
    neighbours = Neighbours(caller, schema, names)
    with neighbours.checked():
        conditions = followed(neighbours, schema, query.conditions)
        select = _whole_select(query)
        shown = Plan(None) if select is None else plan(neighbours, schema, select)
        branches = [_constrained(neighbours, branch, query) for branch in shown.branches]
        query = replace(query, conditions=conditions)
        yield replace(shown, branches=tuple(branches), query=query)
        asked = [query, *(each.query for each in branches if each.query)]
        if not all(filters.are_of_own_row(each.conditions) for each in asked):
            neighbours.confirm()


@contextmanager
def filtered(
    caller: Caller, schema: CollectionSchema, query: ListQuery, names: Vocabulary
) -> Iterator[ListQuery]:
    """Follow the paths of a query's conditions; the body has to be done again when it is stale.

    Raises: QUERY_INVALID
        StaleSchemaError: A collection changed meanwhile.
    """
    if not schema.relations:
        yield query
        return
    neighbours = Neighbours(caller, schema, names)
    with neighbours.checked():
        conditions = followed(neighbours, schema, query.conditions)
        yield replace(query, conditions=conditions)
        neighbours.confirm()


def _whole_select(query: ListQuery) -> tuple[str, ...] | None:
    """Return all names to show: those of relationships that are asked for by a query, too."""
    if not query.related:
        return query.select
    own = (EVERYTHING,) if query.select is None else query.select
    below = (
        f"{key}.{name}" for key, each in query.related for name in each.select or (EVERYTHING,)
    )
    return (*own, *below)


def _constrained(neighbours: Neighbours, branch: Branch, query: ListQuery) -> Branch:
    wanted = dict(query.related).get(branch.key)
    if wanted is None:
        return branch
    if not branch.relation.is_list and (wanted.has_limit or wanted.offset):
        raise filters.refusal(
            f"Relationship pagination is not supported on a singular relationship: {branch.key}"
        )
    conditions = followed(neighbours, branch.schema, wanted.conditions)
    # Refused also where no document is there whose related ones were read by it.
    filters.values(branch.schema, conditions)
    filters.sortings(branch.schema.attributes, wanted.orders)
    return replace(branch, query=replace(wanted, conditions=conditions))


def plan(
    neighbours: Neighbours, schema: CollectionSchema, select: Iterable[str], *, depth: int = 0
) -> Plan:
    """Part a select into names of the collection's own, and relationships to load.

    `author.name` and `author.*` ask for a part or all of the own attributes of related documents,
    and so does `author` alone.

    Raises: QUERY_INVALID
    """
    own: list[str] = []
    below: dict[str, list[str]] = {}
    for name in select:
        key, _, rest = name.partition(".")
        if key in schema.relations:
            below.setdefault(key, []).append(rest or EVERYTHING)
        else:
            own.append(name)
    filters.check_select(schema.attributes, own)
    if below and depth == MAX_DEPTH:
        raise filters.refusal(f"Relationships are loaded to a depth of {MAX_DEPTH}")
    branches = [
        _branch(neighbours, schema, key, names, depth=depth + 1) for key, names in below.items()
    ]
    return Plan(tuple(own), tuple(branches))


def _attach(answers: Mapping[int, Answer], branches: Iterable[Branch], names: Vocabulary) -> None:
    for branch in branches:
        related = _documents(branch, list(answers))
        documents = {each.document.id: each.document for each in related}
        shown = {
            number: document_output(document, branch.schema, names, select=branch.plan.select)
            for number, document in documents.items()
        }
        branch.plan.attach(shown.items(), names)
        _fill(answers, branch, related, shown)


def _branch(
    neighbours: Neighbours,
    schema: CollectionSchema,
    key: str,
    select: Sequence[str],
    *,
    depth: int,
) -> Branch:
    relation = schema.relations[key]
    related = neighbours.of(relation)
    shown = plan(neighbours, related, select, depth=depth)
    readers = readers_of(neighbours.caller, related, neighbours.names)
    return Branch(key, relation, related, readers, shown)


def _documents(branch: Branch, owners: Sequence[int]) -> list[store.Linked]:
    if not owners or branch.readers == []:
        return []
    related = store.linked(
        branch.schema,
        branch.relation,
        owners,
        readable_by=branch.readers,
        most=MAX_RELATED + 1,
        query=branch.query,
    )
    if len(related) > MAX_RELATED:
        raise ApiError(
            ErrorKind.BAD_REQUEST,
            f'More than {MAX_RELATED:,} are related by "{branch.key}". Ask for fewer at once.',
        )
    return related


def _fill(
    answers: Mapping[int, Answer],
    branch: Branch,
    related: Iterable[store.Linked],
    shown: Mapping[int, Answer],
) -> None:
    for answer in answers.values():
        answer[branch.key] = [] if branch.relation.is_list else None
    for owner, document in related:
        if branch.relation.is_list:
            answers[owner][branch.key].append(shown[document.id])
        else:
            answers[owner][branch.key] = shown[document.id]
