"""Documents as their writers make, change and delete them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from documents import store, values
from documents.catalog import CollectionSchema
from documents.services.documents.linking import change_linked, create_linked, sends_links
from documents.services.documents.unlinking import delete_linked
from documents.services.documents.writes import (
    Write,
    announce,
    change_document,
    check_grantable,
    delete_one,
    insert_document,
)
from documents.services.transactions.staging import staged
from documents.vocabulary import Vocabulary
from kernel import ids
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind

MAX_UPSERT_ROUNDS = 5


@staged
def create_document(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    document_id: str,
    data: Mapping[str, Any],
    permissions: list[str] | None,
) -> dict[str, Any]:
    """Create a document; without permissions its creator, if a user, may do all to it.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, DOCUMENT_MISSING_DATA, USER_UNAUTHORIZED,
        DOCUMENT_INVALID_STRUCTURE, DOCUMENT_ALREADY_EXISTS, DOCUMENT_UNIQUE_VIOLATION
    """
    if not document_id or not data:
        raise ApiError(names.document_missing_data)
    check_grantable(caller, permissions)
    write = Write(
        caller=caller,
        names=names,
        database_id=database_id,
        collection_id=collection_id,
        document_id=ids.resolve_id(document_id),
        action="create",
        data=data,
        permissions=permissions,
    )
    try:
        return write.run(lambda schema: _created(write, schema))
    except store.DuplicateIdError:
        raise ApiError(names.document_already_exists) from None


@staged
def update_document(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    document_id: str,
    data: Mapping[str, Any],
    permissions: list[str] | None,
    unless_after: datetime | None,
) -> dict[str, Any]:
    """Change the given values of a document, replace its permissions, or both.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, DOCUMENT_NOT_FOUND, USER_UNAUTHORIZED,
        DOCUMENT_MISSING_PAYLOAD, DOCUMENT_INVALID_STRUCTURE, DOCUMENT_UNIQUE_VIOLATION,
        DOCUMENT_UPDATE_CONFLICT
    """
    if not data and permissions is None:
        raise ApiError(names.document_missing_payload)
    check_grantable(caller, permissions)
    write = Write(
        caller=caller,
        names=names,
        database_id=database_id,
        collection_id=collection_id,
        document_id=document_id,
        action="update",
        data=data,
        permissions=permissions,
        unless_after=unless_after,
    )
    output = write.run(lambda schema: _updated(write, schema))
    if output is None:
        raise ApiError(names.document_not_found)
    return output


@staged
def upsert_document(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    document_id: str,
    data: Mapping[str, Any],
    permissions: list[str] | None,
    unless_after: datetime | None,
) -> dict[str, Any]:
    """Create a document, or change the given values of the one that has the id.

    Raises: as `create_document` and `update_document`
    """
    if not data and permissions is None:
        raise ApiError(names.document_missing_payload)
    check_grantable(caller, permissions)
    write = Write(
        caller=caller,
        names=names,
        database_id=database_id,
        collection_id=collection_id,
        document_id=ids.resolve_id(document_id),
        action="upsert",
        data=data,
        permissions=permissions,
        unless_after=unless_after,
    )
    for _ in range(MAX_UPSERT_ROUNDS):
        output = write.run(lambda schema: _updated(write, schema))
        if output is not None:
            return output
        try:
            return write.run(lambda schema: _created(write, schema))
        except store.DuplicateIdError:
            continue  # another caller was faster
    raise ApiError(ErrorKind.SERVICE_UNAVAILABLE)


@staged
def delete_document(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    document_id: str,
    unless_after: datetime | None,
) -> None:
    """Delete a document and the grants on it.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, DOCUMENT_NOT_FOUND, USER_UNAUTHORIZED,
        DOCUMENT_UPDATE_CONFLICT, DOCUMENT_DELETE_RESTRICTED
    """
    write = Write(
        caller=caller,
        names=names,
        database_id=database_id,
        collection_id=collection_id,
        document_id=document_id,
        action="delete",
        data={},
        unless_after=unless_after,
    )

    def work(schema: CollectionSchema) -> None:
        delete = delete_linked if schema.sides else delete_one
        delete(write, schema)

    write.run(work)


def _created(write: Write, schema: CollectionSchema) -> dict[str, Any]:
    if sends_links(write, schema):
        return create_linked(write, schema)
    log, outcome = insert_document(write, schema)
    return announce(write, schema, log, outcome)


def _updated(write: Write, schema: CollectionSchema) -> dict[str, Any] | None:
    if sends_links(write, schema):
        return change_linked(write, schema)
    sent = values.changed_values(
        schema.attributes, write.data, keeps_times=write.caller.is_privileged
    )
    return change_document(write, schema, sent)
