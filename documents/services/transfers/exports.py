"""A whole collection as it leaves: page by page, so that it is never in memory as a whole."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from documents import catalog, store
from documents.catalog import CollectionSchema, Neighbours
from documents.outputs import document_output
from documents.records import SYSTEM_COLUMNS, told_relations
from documents.vocabulary import Vocabulary
from kernel import sql
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind

EXPORT_PAGE = 500
#: A page ends early with the document that takes it past this.
EXPORT_PAGE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents, and the number of the last one, behind which the next page begins."""

    documents: list[dict[str, Any]]
    last: int


def export_documents(
    *, caller: Caller, names: Vocabulary, database_id: str, collection_id: str, after: int = 0
) -> Iterator[Page]:
    """Return the documents behind one with the `$sequence` `after`, in the order they were made.

    What is made, changed or deleted while they are read may be among them or not.

    Raises: UNAUTHORIZED_SCOPE, DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND
    """
    if not caller.is_privileged:
        raise ApiError(ErrorKind.UNAUTHORIZED_SCOPE)

    def page(after: int) -> Page:
        def work(schema: CollectionSchema) -> Page:
            found = store.behind(schema, after, limit=EXPORT_PAGE, limit_bytes=EXPORT_PAGE_BYTES)
            documents = [_exported(document_output(each, schema, names), schema) for each in found]
            neighbours = Neighbours(caller, schema, names)
            with neighbours.checked():
                _add_links(neighbours, schema, [each.id for each in found], documents)
            return Page(documents, found[-1].id if found else after)

        return catalog.with_schema(caller, database_id, collection_id, names=names, work=work)

    return _pages(page, page(after))


def _pages(page: Callable[[int], Page], current: Page) -> Iterator[Page]:
    while current.documents:
        yield current
        sql.drop_dead_connection()  # answers are streamed by threads that do so for no request
        current = page(current.last)


def _add_links(
    neighbours: Neighbours,
    schema: CollectionSchema,
    numbers: Sequence[int],
    documents: Sequence[dict[str, Any]],
) -> None:
    for key, relation in told_relations(schema).items() if numbers else ():
        links = store.linked_uids(neighbours.of(relation), relation, numbers)
        for number, document in zip(numbers, documents, strict=True):
            uids = links.get(number, [])
            document[key] = uids if relation.is_list else next(iter(uids), None)


def _exported(output: dict[str, Any], schema: CollectionSchema) -> dict[str, Any]:
    named = {key: output[key] for key in (*SYSTEM_COLUMNS, *schema.attributes)}
    if not schema.is_schemaless:
        return named
    return {**named, **{key: value for key, value in output.items() if key[0] != "$"}}
