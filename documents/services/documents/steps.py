"""Numbers of documents that are counted up and down, by many at once."""

from typing import Any

from documents import operators
from documents.catalog import CollectionSchema
from documents.services.documents.writes import Write, change_document
from documents.services.transactions.staging import staged
from documents.values import Values
from documents.vocabulary import Vocabulary
from kernel.caller import Caller
from kernel.errors import ApiError


@staged
def increment_document_attribute(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    document_id: str,
    attribute: str,
    value: float,
    bound: float | None,
) -> dict[str, Any]:
    """Add to a number, unless that would make it more than the bound.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, DOCUMENT_NOT_FOUND, ATTRIBUTE_NOT_FOUND,
        ATTRIBUTE_TYPE_INVALID, ATTRIBUTE_LIMIT_EXCEEDED, USER_UNAUTHORIZED,
        DOCUMENT_INVALID_STRUCTURE, DOCUMENT_UNIQUE_VIOLATION
    """
    write = _write(caller, names, database_id, collection_id, document_id)
    return _stepped(write, attribute, value, bound)


@staged
def decrement_document_attribute(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    document_id: str,
    attribute: str,
    value: float,
    bound: float | None,
) -> dict[str, Any]:
    """Take from a number, unless that would make it less than the bound.

    Raises: as `increment_document_attribute`
    """
    write = _write(caller, names, database_id, collection_id, document_id)
    return _stepped(write, attribute, -value, bound)


def _write(
    caller: Caller, names: Vocabulary, database_id: str, collection_id: str, document_id: str
) -> Write:
    return Write(
        caller=caller,
        names=names,
        database_id=database_id,
        collection_id=collection_id,
        document_id=document_id,
        action="update",
        data={},
    )


def _stepped(write: Write, key: str, by: float, bound: float | None) -> dict[str, Any]:
    names = write.names

    def work(schema: CollectionSchema) -> dict[str, Any] | None:
        attribute = schema.attributes.get(key)
        if attribute is None:
            raise ApiError(names.attribute_not_found)
        try:
            step = operators.read_step(attribute, by, bound)
        except ValueError as error:
            raise ApiError(
                names.attribute_type_invalid, f'{names.attribute.title()} "{key}": {error}'
            ) from None
        return change_document(write, schema, Values({}, operations=(step,)))

    output = write.run(work)
    if output is None:
        raise ApiError(names.document_not_found)
    return output
