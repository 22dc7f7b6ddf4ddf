"""Documents as their writers make, change and delete them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from accounts import roles
from documents import catalog, encryption, grants, store, values
from documents.attributes import StructureError
from documents.catalog import CollectionSchema, StaleSchemaError
from documents.outputs import common_output, document_output
from documents.services.documents.access import may
from documents.store import Change, Grants, Log, Outcome
from documents.vocabulary import Vocabulary
from kernel import clock, events, ids
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.events import Event
from kernel.permissions import (
    CREATE,
    DELETE,
    ITEM_ACTIONS,
    READ,
    UPDATE,
    Permission,
    parse_permission,
    roles_for,
    ungrantable_roles,
)

MAX_UPSERT_ROUNDS = 5

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    """A write as it was asked for: by whom, of which document, and what it brings."""

    caller: Caller
    names: Vocabulary
    database_id: str
    collection_id: str
    document_id: str
    action: str
    data: Mapping[str, Any]
    permissions: list[str] | None = None
    unless_after: datetime | None = None

    def run(self, work: Callable[[CollectionSchema], Result]) -> Result:
        def translated(schema: CollectionSchema) -> Result:
            try:
                return work(schema)
            except StructureError as error:
                raise ApiError(self.names.document_invalid_structure, str(error)) from None
            except store.UniqueValueError:
                raise ApiError(self.names.document_unique_violation) from None
            except store.OversizedValueError:
                raise ApiError(
                    self.names.document_invalid_structure,
                    "Invalid document structure: A value is too long for an index on it",
                ) from None
            except store.GrantTargetError as error:
                grants.permission_id.cache_clear()
                roles.forget_groups()
                raise StaleSchemaError from error

        return catalog.with_schema(
            self.caller, self.database_id, self.collection_id, names=self.names, work=translated
        )


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
    _check_grantable(caller, permissions)
    write = _Write(
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
    _check_grantable(caller, permissions)
    write = _Write(
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
    _check_grantable(caller, permissions)
    write = _Write(
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
        DOCUMENT_UPDATE_CONFLICT
    """
    write = _Write(
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
        log = _log(write, schema)
        is_granted, granting = _granted(caller, DELETE, schema)
        outcome = store.delete(
            schema,
            document_id,
            is_granted=is_granted,
            granting=granting,
            unless_after=unless_after,
            log=log,
        )
        if outcome is None:
            raise ApiError(names.document_not_found)
        _checked(write, outcome)
        _announce(write, schema, log, outcome)

    write.run(work)


def _check_grantable(caller: Caller, permissions: Sequence[str] | None) -> None:
    if caller.is_privileged or not ungrantable_roles(permissions or (), caller.roles):
        return
    held = ", ".join(sorted(caller.roles))
    raise ApiError(ErrorKind.USER_UNAUTHORIZED, f"Permissions must be one of: ({held})")


def _created(write: _Write, schema: CollectionSchema) -> dict[str, Any]:
    if not may(write.caller, CREATE, schema).is_allowed:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    new = values.new_values(schema.attributes, write.data, keeps_times=write.caller.is_privileged)
    log = _log(write, schema)
    permissions = write.permissions
    if permissions is None:
        permissions = _creator_permissions(write.caller)
    outcome = store.create(
        schema,
        uid=write.document_id,
        data=_sealed(schema, new.set),
        grants=_grants(schema, permissions),
        created_at=new.created_at or log.at,
        updated_at=new.updated_at or log.at,
        log=log,
    )
    return _announce(write, schema, log, outcome)


def _sealed(schema: CollectionSchema, new: Mapping[str, Any]) -> Mapping[str, Any]:
    if not schema.has_encryption:
        return new
    return encryption.seal_values(
        new,
        schema.attributes.values(),
        project_id=schema.project_id,
        place=(schema.database_uid, schema.uid),
    )


def _creator_permissions(caller: Caller) -> list[str]:
    if not caller.is_user:
        return []
    return [str(Permission(action, f"user:{caller.user_uid}")) for action in ITEM_ACTIONS]


def _updated(write: _Write, schema: CollectionSchema) -> dict[str, Any] | None:
    sent = values.changed_values(
        schema.attributes, write.data, keeps_times=write.caller.is_privileged
    )
    log = _log(write, schema)
    is_granted, granting = _granted(write.caller, UPDATE, schema)
    change = Change(
        data=_sealed(schema, sent.set),
        dropped=sent.dropped,
        grants=None if write.permissions is None else _grants(schema, write.permissions),
        created_at=sent.created_at,
        updated_at=sent.updated_at or log.at,
        has_own_time=sent.updated_at is not None,
        is_granted=is_granted,
        granting=granting,
        unless_after=write.unless_after,
    )
    outcome = store.update(schema, write.document_id, change, log)
    if outcome is None:
        return None
    if not outcome.is_change:
        return _unchanged(write, schema, outcome)
    _checked(write, outcome)
    return _announce(write, schema, log, outcome)


def _unchanged(write: _Write, schema: CollectionSchema, outcome: Outcome) -> dict[str, Any]:
    """Answer an update that changes nothing: it only has to be a permitted read."""
    if not may(write.caller, READ, schema, outcome.document.permissions).is_allowed:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    return document_output(outcome.document, schema, write.names)


def _checked(write: _Write, outcome: Outcome) -> None:
    if not outcome.is_granted:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    if outcome.is_late:
        raise ApiError(write.names.document_update_conflict)


def _granted(caller: Caller, action: str, schema: CollectionSchema) -> tuple[bool, list[str]]:
    """Tell whether any document may be changed, and which permissions on a document would do.

    The statement decides by this as `kernel.permissions.decide` does, on the locked document.
    """
    if may(caller, action, schema).is_allowed:
        return True, []
    if not schema.has_document_security:
        return False, []
    return False, [str(Permission(action, role)) for role in sorted(caller.roles)]


def _grants(schema: CollectionSchema, permissions: Sequence[str]) -> Grants:
    parsed = [parse_permission(text) for text in permissions]
    return Grants(
        texts=permissions,
        group_ids=roles.role_group_ids(schema.project_id, [each.role for each in parsed]),
        permission_ids=[grants.permission_id(f"{each.action}_document") for each in parsed],
    )


def _log(write: _Write, schema: CollectionSchema) -> Log:
    return Log(
        name=write.names.document_event(
            write.database_id, write.collection_id, write.document_id, write.action
        ),
        fixed=common_output(schema, write.names),
        roles=roles_for(READ, schema.permissions),
        actor=write.caller.user_uid or write.caller.key_uid,
        at=clock.now(),
    )


def _announce(
    write: _Write, schema: CollectionSchema, log: Log, outcome: Outcome
) -> dict[str, Any]:
    """Hand the logged event to its subscribers; return the document's answer."""
    output = document_output(outcome.document, schema, write.names)
    payload = output
    if schema.has_encryption:
        payload = document_output(outcome.document, schema, write.names, keeps_sealed=True)
    readers = list(log.roles)
    if schema.has_document_security:
        readers += roles_for(READ, outcome.document.permissions)
    events.announce(
        Event(
            name=log.name,
            project_id=schema.project_id,
            project_uid=schema.project_uid,
            payload=payload,
            roles=tuple(readers),
            actor=log.actor,
            id=outcome.event_id or 0,
            created_at=log.at,
        )
    )
    return output
