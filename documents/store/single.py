"""One document at a time: get, create, update, delete."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from documents.attributes import MAX_FIELD_BYTES, MAX_FIELDS
from documents.catalog import CollectionSchema, StaleSchemaError
from documents.operators import Operation
from documents.store.rows import (
    Change,
    DuplicateIdError,
    Grants,
    Log,
    Outcome,
    StoredDocument,
    UniqueValueError,
    check_version,
    document,
    guarded,
)
from documents.store.statements import Statement, on_partition
from kernel import sql
from kernel.arrays import number_array, text_array
from kernel.clock import api_time
from kernel.permissions import READ, roles_for

_OPERATED = "SELECT document_operated(%s::jsonb, %s::jsonb)"
_LIMITED = "SELECT document_limited(document_operated(%s::jsonb, %s::jsonb), %s, %s)"


def get(schema: CollectionSchema, uid: str) -> StoredDocument | None:
    """Return a document, whoever asks.

    Raises:
        StaleSchemaError: The collection has another version.
    """
    with guarded():
        row = _fetch(schema, Statement.GET, {"collection": schema.id, "uid": uid})
    check_version(schema, row)
    return None if row is None or row[1] is None else document(row[1:])


def create(
    schema: CollectionSchema,
    *,
    uid: str,
    data: Mapping[str, Any],
    grants: Grants,
    created_at: datetime,
    updated_at: datetime,
    log: Log,
) -> Outcome:
    """Insert a document with its grants and its event, in one statement.

    Raises:
        StaleSchemaError: The collection has another version.
        DuplicateIdError: The id is taken.
        UniqueValueError: A unique index refuses the values.
        OversizedValueError: A value is too long for an index on it.
        GrantTargetError: It comes with grants, and one names a role that is gone.
    """
    statement = Statement.CREATE_WITH_GRANTS if grants.texts else Statement.CREATE
    times = api_time(created_at), api_time(updated_at)
    readers = roles_for(READ, grants.texts) if schema.has_document_security else []
    values = _grant_values(grants) | {
        "collection": schema.id,
        "version": schema.version,
        "project": schema.project_id,
        "uid": uid,
        "data": json_text(data),
        "created": created_at,
        "updated": updated_at,
        "event": log.name,
        "payload": json_text(
            {
                **log.fixed,
                **schema.shown_values(data),
                "$id": uid,
                "$permissions": grants.texts,
                "$createdAt": times[0],
                "$updatedAt": times[1],
            }
        ),
        "roles": text_array([*log.roles, *readers]),
        "actor": log.actor,
        "now": log.at,
    }
    with guarded():
        row = _fetch(schema, statement, values)
    if row is None:
        raise StaleSchemaError
    if row[0] is None:
        raise DuplicateIdError if get(schema, uid) else UniqueValueError
    stored = StoredDocument(row[0], uid, data, grants.texts, *times)
    return Outcome(True, True, False, None, row[1], stored)


def update(schema: CollectionSchema, uid: str, change: Change, log: Log) -> Outcome | None:
    """Merge values into a document and replace its grants, if it may be; return what became of it.

    No document with this id gives None.

    Raises:
        StaleSchemaError: The collection has another version.
        UniqueValueError: A unique index refuses the values.
        OversizedValueError: A value is too long for an index on it.
        GrantTargetError: It comes with grants, and one names a role that is gone.
    """
    values = (
        log_values(schema, log)
        | _grant_values(change.grants)
        | {
            "uid": uid,
            "data": json_text(change.data),
            "dropped": text_array(change.dropped),
            "operations": operationsjson_text(change.operations),
            "created": change.created_at,
            "updated": change.updated_at,
            "has_own_time": change.has_own_time,
            "is_granted": change.is_granted,
            "granting": change.granting,
            "unless_after": change.unless_after,
        }
    )
    if change.is_merge and not schema.is_schemaless:
        with guarded():
            row = _fetch(schema, Statement.MERGE, values)
        if row is not None:
            return _outcome(schema, row)
    if change.grants is None:
        with guarded():
            return _outcome(schema, _fetch(schema, Statement.UPDATE, values))
    # The lock comes in a statement of its own: the next one then sees every grant that was made
    # while it waited, and replaces that as well.
    with guarded(), sql.together():
        lock = on_partition(Statement.LOCK, schema)
        sql.execute(lock, {"collection": schema.id, "uid": uid})
        return _outcome(schema, _fetch(schema, Statement.UPDATE_WITH_GRANTS, values))


def delete(
    schema: CollectionSchema,
    uid: str,
    *,
    is_granted: bool,
    granting: Sequence[str],
    unless_after: datetime | None,
    log: Log,
) -> Outcome | None:
    """Delete a document with its grants, if it may be; return what became of it.

    No document with this id gives None.

    Raises:
        StaleSchemaError: The collection has another version.
    """
    values = log_values(schema, log) | {
        "uid": uid,
        "is_granted": is_granted,
        "granting": granting,
        "unless_after": unless_after,
    }
    with guarded():
        return _outcome(schema, _fetch(schema, Statement.DELETE, values))


def _fetch(
    schema: CollectionSchema, statement: Statement, values: Mapping[str, Any]
) -> sql.Row | None:
    return sql.fetch_one(on_partition(statement, schema), values)


def _outcome(schema: CollectionSchema, row: sql.Row | None) -> Outcome | None:
    check_version(schema, row)
    if row is None or row[6] is None:
        return None
    return Outcome(row[1], row[2], row[3], row[4], row[5], document(row[6:12]))


def log_values(schema: CollectionSchema, log: Log) -> dict[str, Any]:
    keys, names, blanks = schema.shown_arrays
    empty = schema.blank_values
    return {
        "collection": schema.id,
        "version": schema.version,
        "project": schema.project_id,
        "secured": schema.has_document_security,
        "keys": keys,
        "names": names,
        "blanks": blanks,
        "event": log.name,
        "fixed": json_text(log.fixed),
        "empty": None if empty is None else json_text({**log.fixed, **empty}),
        "roles": text_array(log.roles),
        "actor": log.actor,
        "now": log.at,
    }


def _grant_values(grants: Grants | None) -> dict[str, Any]:
    if grants is None:
        return {"permissions": None, "readers": None}
    return {
        "permissions": text_array(grants.texts),
        "readers": text_array(roles_for(READ, grants.texts)),
        "groups": number_array(grants.group_ids),
        "grants": number_array(grants.permission_ids),
    }


def operated(
    schema: CollectionSchema, data: Mapping[str, Any], operations: Sequence[Operation]
) -> dict[str, Any]:
    """Return the data of a new document after operations, which find no value to start from.

    The entry `$fault` is all there is where one of them is not possible.
    """
    values = (json_text(data), operationsjson_text(operations))
    if schema.is_schemaless:
        row = sql.fetch_one(_LIMITED, (*values, MAX_FIELD_BYTES, MAX_FIELDS))
    else:
        row = sql.fetch_one(_OPERATED, values)
    result: dict[str, Any] = orjson.loads(row[0]) if row else {}
    return result


def operationsjson_text(operations: Sequence[Operation]) -> str | None:
    if not operations:
        return None
    return json_text([each.arguments for each in operations])


def json_text(value: Any) -> str:
    return orjson.dumps(value).decode()
