"""Documents as their readers get them."""

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache, wraps
from typing import Any, NamedTuple

from documents import catalog, filters, store
from documents.catalog import CollectionSchema
from documents.outputs import document_list_output, document_output, group_list_output
from documents.services.documents import loading
from documents.services.documents.access import may
from documents.services.transactions.staging import seeing_staged
from documents.vocabulary import Vocabulary
from kernel import clock, ids
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.permissions import READ
from kernel.query import (
    DOCUMENT_FILTERS,
    GROUPINGS,
    RELATIONSHIP,
    ListQuery,
    QueryError,
    parse_queries,
)

KNOWN_QUERIES = 512
LONGEST_KNOWN_QUERIES = 2048
_OF_LISTS = GROUPINGS | {RELATIONSHIP}
_OF_DOCUMENTS = frozenset({RELATIONSHIP})


@seeing_staged
def list_documents(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    queries: Sequence[str],
    total: bool,
) -> dict[str, Any]:
    """List the documents the caller may read, or groups of them with what is computed from each.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, USER_UNAUTHORIZED, QUERY_INVALID,
        CURSOR_NOT_FOUND, DATABASE_QUERY_ORDER_NULL
    """
    query = _parsed(queries)

    def work(schema: CollectionSchema) -> dict[str, Any]:
        return _listing(caller, schema, query, names, counts_total=total).answer

    return catalog.with_schema(caller, database_id, collection_id, names=names, work=work)


def list_kept_documents(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    queries: Sequence[str],
    total: bool,
    ttl: int,
) -> tuple[dict[str, Any], bool]:
    """List documents as they were at most `ttl` seconds ago; tell also whether that was kept.

    What the caller may not read any more is not shown. Kept is what shows documents of the
    collection alone, and groups only for readers of all of it.

    Raises: as `list_documents`
    """
    query = _parsed(queries)
    question = (names.documents, queries, total)

    def work(schema: CollectionSchema) -> tuple[dict[str, Any], bool]:
        keeper = store.Keeper(schema, question, readers(caller, schema))
        kept = keeper.find(seconds=ttl)
        if kept is not None:
            return kept, True
        asked_at = clock.now()
        listing = _listing(caller, schema, query, names, counts_total=total)
        if listing.documents is not None:
            keeper.keep(listing.answer, listing.documents, asked_at=asked_at, seconds=ttl)
        return listing.answer, False

    return catalog.with_schema(caller, database_id, collection_id, names=names, work=work)


@seeing_staged
def get_document(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    document_id: str,
    queries: Sequence[str],
) -> dict[str, Any]:
    """Return a document; one the caller may not read is not found.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, DOCUMENT_NOT_FOUND, QUERY_INVALID
    """
    query = _selection(queries)

    def work(schema: CollectionSchema) -> dict[str, Any]:
        with loading.planned(caller, schema, query, names) as plan:
            document = store.get(schema, document_id)
            if document is None or not may(caller, READ, schema, document.permissions).is_allowed:
                raise ApiError(names.document_not_found)
            output = document_output(document, schema, names, select=plan.select)
            plan.attach([(document.id, output)], names)
            return output

    return catalog.with_schema(caller, database_id, collection_id, names=names, work=work)


def parsed_queries(queries: Sequence[str], more: Collection[str] = ()) -> ListQuery:
    """Read the `queries` parameter of an operation that knows `more` than filters and pages.

    Raises: QUERY_INVALID
    """
    try:
        return parse_queries(queries, methods=DOCUMENT_FILTERS, more=more)
    except QueryError as error:
        raise ApiError(ErrorKind.QUERY_INVALID, str(error)) from None


def readers(caller: Caller, schema: CollectionSchema) -> list[str] | None:
    """Return the roles whose documents a listing shows; None where it shows all.

    Raises: USER_UNAUTHORIZED
    """
    if may(caller, READ, schema).is_allowed:
        return None
    if not schema.has_document_security:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    return sorted(caller.roles)


def _reading_once(read: Callable[[Sequence[str]], ListQuery]) -> Callable[..., ListQuery]:
    """Have queries read once: the same ones come again and again. Long ones are read each time."""
    known = lru_cache(maxsize=KNOWN_QUERIES)(read)

    @wraps(read)
    def find(queries: Sequence[str]) -> ListQuery:
        if sum(map(len, queries)) > LONGEST_KNOWN_QUERIES:
            return read(queries)
        return known(tuple(queries))

    return find


@_reading_once
def _selection(queries: Sequence[str]) -> ListQuery:
    query = parsed_queries(queries, _OF_DOCUMENTS)
    if query != ListQuery(select=query.select, related=query.related):
        raise filters.refusal("Only select and relationship are offered here")
    return query


@_reading_once
def _parsed(queries: Sequence[str]) -> ListQuery:
    query = parsed_queries(queries, _OF_LISTS)
    if query.is_grouped and query.related:
        raise filters.refusal("Groups have no related documents.")
    if not query.is_grouped and query.is_random and query.cursor is not None:
        raise filters.refusal("A cursor needs an order that is not random")
    return query


class _Listing(NamedTuple):
    """An answer, and the numbers of the documents it shows; None where it rests on others too."""

    answer: dict[str, Any]
    documents: Sequence[int] | None


def _listing(
    caller: Caller,
    schema: CollectionSchema,
    query: ListQuery,
    names: Vocabulary,
    *,
    counts_total: bool,
) -> _Listing:
    readable_by = readers(caller, schema)
    if query.is_grouped:
        return _groups(caller, schema, query, names, readable_by, counts_total=counts_total)
    with loading.planned(caller, schema, query, names) as plan:
        page = _page(schema, plan.query, readable_by=readable_by, counts_total=counts_total)
        output = document_list_output(page, schema, names, select=plan.select)
        numbers = [each.id for each in page.documents]
        plan.attach(zip(numbers, output[names.documents], strict=True), names)
        is_alone = not plan.branches and filters.are_of_own_row(plan.query.conditions)
        return _Listing(output, numbers if is_alone else None)


def _groups(
    caller: Caller,
    schema: CollectionSchema,
    query: ListQuery,
    names: Vocabulary,
    readable_by: Sequence[str] | None,
    *,
    counts_total: bool,
) -> _Listing:
    with loading.filtered(caller, schema, query, names) as wanted:
        found = store.find_groups(
            schema, wanted, readable_by=readable_by, counts_total=counts_total
        )
    is_of_all = readable_by is None and filters.are_of_own_row(wanted.conditions)
    return _Listing(group_list_output(found, schema, names), [] if is_of_all else None)


def _page(
    schema: CollectionSchema,
    query: ListQuery,
    *,
    readable_by: list[str] | None,
    counts_total: bool,
) -> store.Page:
    try:
        return store.find(schema, query, readable_by=readable_by, counts_total=counts_total)
    except store.CursorNotFoundError:
        uid = query.cursor.uid[: ids.MAX_ID_LENGTH] if query.cursor else ""
        raise ApiError(
            ErrorKind.CURSOR_NOT_FOUND, f"Document '{uid}' for the cursor was not found."
        ) from None
    except store.CursorWithoutValueError:
        raise ApiError(ErrorKind.DATABASE_QUERY_ORDER_NULL) from None
