"""Many documents in one write, for keys and the console: all of it happens, or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import roles
from documents import filters, store, values
from documents.catalog import CollectionSchema, StaleSchemaError
from documents.services.documents.reading import parsed_queries
from documents.services.documents.writes import (
    EACH,
    Write,
    announce_many,
    grants_of,
    log_of,
    refused_operation,
    sealed,
)
from documents.services.transactions.staging import staged
from documents.store import Grants, Log, Row, Written
from documents.values import SentDocument, Values, with_ids
from documents.vocabulary import Vocabulary
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.limits import MAX_BULK_ROWS
from kernel.permissions import parse_permission
from kernel.query import ListQuery


@staged
def create_documents(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    documents: Sequence[SentDocument],
) -> dict[str, Any]:
    """Create documents.

    Raises: UNAUTHORIZED_SCOPE, DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, DOCUMENT_MISSING_DATA,
        DOCUMENT_INVALID_STRUCTURE, DOCUMENT_ALREADY_EXISTS, DOCUMENT_UNIQUE_VIOLATION
    """
    write = _write(caller, names, database_id, collection_id, "create")
    named = _named(documents, names)

    def work(schema: CollectionSchema) -> dict[str, Any]:
        _refuse_related(write, schema)
        log = log_of(write, schema)
        _prepare_roles(schema, named)
        rows = [_new_row(schema, each, log, has_operators=False) for each in named]
        return _answer(write, schema, log, store.create_many(schema, rows, log))

    try:
        return write.run(work)
    except store.DuplicateIdError:
        raise ApiError(names.document_already_exists) from None


@staged
def upsert_documents(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    documents: Sequence[SentDocument],
    unless_after: datetime | None,
) -> dict[str, Any]:
    """Create documents, and change the given values of those whose ids exist.

    Raises: as `create_documents`, and DOCUMENT_UPDATE_CONFLICT
    """
    write = _write(caller, names, database_id, collection_id, "upsert", unless_after)
    named = _named(documents, names)

    def work(schema: CollectionSchema) -> dict[str, Any]:
        _refuse_related(write, schema)
        log = log_of(write, schema)
        _prepare_roles(schema, named)
        with transaction.atomic():
            written = _upserted(write, schema, named, log)
            return _answer(write, schema, log, written)

    return write.run(work)


@staged
def update_documents(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    data: SentDocument,
    queries: Sequence[str],
    unless_after: datetime | None,
) -> dict[str, Any]:
    """Change the given values of all documents that fit the queries, of all where there are none.

    Raises: UNAUTHORIZED_SCOPE, DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, QUERY_INVALID,
        DOCUMENT_MISSING_PAYLOAD, DOCUMENT_INVALID_STRUCTURE, DOCUMENT_UNIQUE_VIOLATION,
        DOCUMENT_UPDATE_CONFLICT, BAD_REQUEST
    """
    write = _write(caller, names, database_id, collection_id, "update", unless_after)
    if not data.data and data.permissions is None:
        raise ApiError(names.document_missing_payload)
    query = _picking(queries)

    def work(schema: CollectionSchema) -> dict[str, Any]:
        _refuse_related(write, schema)
        log = log_of(write, schema)
        row, sent = _changed_row(schema, data, log)
        with _Refusals(write, {"": sent}):
            written = store.change_found(
                schema, query, replace(row, uid=None), log, unless_after=unless_after
            )
        return _answer(write, schema, log, written)

    return write.run(work)


@staged
def delete_documents(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    queries: Sequence[str],
    unless_after: datetime | None,
) -> dict[str, Any]:
    """Delete all documents that fit the queries, all there are where there are none.

    Raises: UNAUTHORIZED_SCOPE, DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, QUERY_INVALID,
        DOCUMENT_UPDATE_CONFLICT, BAD_REQUEST
    """
    write = _write(caller, names, database_id, collection_id, "delete", unless_after)
    query = _picking(queries)

    def work(schema: CollectionSchema) -> dict[str, Any]:
        _refuse_related(write, schema)
        log = log_of(write, schema)
        with _Refusals(write, {}):
            written = store.delete_found(schema, query, log, unless_after=unless_after)
        return _answer(write, schema, log, written)

    return write.run(work)


def _refuse_related(write: Write, schema: CollectionSchema) -> None:
    """Keep collections with relationships from writes that know nothing of links."""
    sides = schema.sides if write.action == "delete" else schema.relations
    if sides:
        names = write.names
        raise ApiError(
            ErrorKind.BAD_REQUEST,
            f"Bulk {write.action} is not supported for {names.collections} with relationship"
            f" {names.attributes}",
        )


class _Refusals:
    """Translates what stops a write of many. `sent` holds what each document was to get, by id."""

    def __init__(self, write: Write, sent: Mapping[str, Values]) -> None:
        self._names = write.names
        self._sent = sent

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: Any, error: BaseException | None, _traceback: Any) -> None:
        match error:
            case store.TooManyRowsError():
                raise ApiError(
                    ErrorKind.BAD_REQUEST,
                    f"More than {MAX_BULK_ROWS:,} {self._names.documents} fit. Use a limit.",
                ) from None
            case store.LateRowError():
                raise ApiError(self._names.document_update_conflict) from None
            case store.FaultyRowError():
                sent = self._sent.get(error.uid) or self._sent[""]
                raise refused_operation(self._names, sent.operations, error.fault) from None


def _write(
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    action: str,
    unless_after: datetime | None = None,
) -> Write:
    if not caller.is_privileged:
        raise ApiError(ErrorKind.UNAUTHORIZED_SCOPE)
    return Write(
        caller=caller,
        names=names,
        database_id=database_id,
        collection_id=collection_id,
        document_id=EACH,
        action=action,
        data={},
        unless_after=unless_after,
    )


def _named(documents: Sequence[SentDocument], names: Vocabulary) -> list[SentDocument]:
    """Return the documents with an id each, made up where none was sent."""
    if not documents:
        raise ApiError(names.document_missing_data)
    named = with_ids(documents)
    if len({each.uid for each in named}) < len(named):
        raise ApiError(names.document_already_exists)
    return named


def _picking(queries: Sequence[str]) -> ListQuery:
    query = parsed_queries(queries)
    if query.cursor is not None or query.is_random or query.select is not None:
        raise filters.refusal("Only filters, orders, limit and offset are offered here")
    return query


def _prepare_roles(schema: CollectionSchema, documents: Iterable[SentDocument]) -> None:
    """Find the groups of all roles at once, so that none is looked for by itself."""
    texts = {text for each in documents for text in each.permissions or ()}
    roles.role_group_ids(schema.project_id, [parse_permission(text).role for text in texts])


def _upserted(
    write: Write, schema: CollectionSchema, documents: Sequence[SentDocument], log: Log
) -> list[Written]:
    existing = store.lock_existing(schema, (each.uid for each in documents))
    sent: dict[str, Values] = {}
    new_rows, changed_rows = [], []
    for each in documents:
        if each.uid in existing:
            row, sent[each.uid] = _changed_row(schema, each, log)
            changed_rows.append(row)
        else:
            row = _new_row(schema, each, log, has_operators=True)
            sent[each.uid] = Values({}, operations=tuple(row.operations))
            new_rows.append(row)
    written: dict[str, Written] = {}
    with _Refusals(write, sent):
        if new_rows:
            made = _made(schema, new_rows, log)
            written |= {each.document.uid: each for each in made}
        if changed_rows:
            changed = store.change_many(schema, changed_rows, log, unless_after=write.unless_after)
            written |= {each.document.uid: each for each in changed}
    return [written[each.uid] for each in documents]


def _made(schema: CollectionSchema, rows: Sequence[Row], log: Log) -> list[Written]:
    try:
        return store.create_many(schema, rows, log, is_part=True)
    except store.DuplicateIdError as error:  # another caller was faster: begin anew
        raise StaleSchemaError from error


def _new_row(schema: CollectionSchema, sent: SentDocument, log: Log, *, has_operators: bool) -> Row:
    new = values.new_values(
        schema.attributes, sent.data, keeps_times=True, has_operators=has_operators
    )
    return Row(
        uid=sent.uid,
        data=sealed(schema, new.set),
        operations=new.operations,
        grants=grants_of(schema, sent.permissions or []),
        created_at=new.created_at or log.at,
        updated_at=new.updated_at or log.at,
        has_own_time=new.updated_at is not None,
    )


def _changed_row(schema: CollectionSchema, sent: SentDocument, log: Log) -> tuple[Row, Values]:
    new = values.changed_values(schema.attributes, sent.data, keeps_times=True)
    grants: Grants | None = None
    if sent.permissions is not None:
        grants = grants_of(schema, sent.permissions)
    row = Row(
        uid=sent.uid,
        data=sealed(schema, new.set),
        dropped=new.dropped,
        operations=new.operations,
        grants=grants,
        created_at=new.created_at,
        updated_at=new.updated_at or log.at,
        has_own_time=new.updated_at is not None,
    )
    return row, new


def _answer(
    write: Write, schema: CollectionSchema, log: Log, written: Sequence[Written]
) -> dict[str, Any]:
    """Announce what was written, and return it as a list."""
    outputs = announce_many(write, schema, log, written)
    return {"total": len(outputs), write.names.documents: outputs}
