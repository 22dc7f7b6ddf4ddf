"""A write under way: who may do it, what it stores, how it is logged and announced."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar

from accounts import roles
from documents import catalog, encryption, grants, operators, store, values
from documents.attributes import FAULT_OF_FIELDS, StructureError, too_large
from documents.catalog import CollectionSchema, StaleSchemaError
from documents.operators import FAULT, PAST_BOUND, WRONG_TYPE, Operation
from documents.outputs import common_output, document_output
from documents.services.documents.access import may
from documents.store import Change, Grants, Log, Outcome, StoredDocument, Written
from documents.values import Values
from documents.vocabulary import Vocabulary
from kernel import clock, events
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

Result = TypeVar("Result")
#: In the name of the events of a write of many, where each has the id of its document.
EACH = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
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
            except store.FaultyRowError as error:
                raise refused_operation(self.names, (), error.fault) from None
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


def check_grantable(caller: Caller, permissions: Sequence[str] | None) -> None:
    if caller.is_privileged or not ungrantable_roles(permissions or (), caller.roles):
        return
    held = ", ".join(sorted(caller.roles))
    raise ApiError(ErrorKind.USER_UNAUTHORIZED, f"Permissions must be one of: ({held})")


def creator_permissions(caller: Caller) -> list[str]:
    if not caller.is_user:
        return []
    return [str(Permission(action, f"user:{caller.user_uid}")) for action in ITEM_ACTIONS]


def sealed(schema: CollectionSchema, new: Mapping[str, Any]) -> Mapping[str, Any]:
    if not schema.has_encryption:
        return new
    return encryption.seal_values(
        new,
        schema.attributes.values(),
        project_id=schema.project_id,
        place=(schema.database_uid, schema.uid),
    )


def insert_document(write: Write, schema: CollectionSchema) -> tuple[Log, Outcome]:
    """Store the new document of a write; return how it was logged, and what became of it.

    Raises: USER_UNAUTHORIZED
        StructureError: The data does not fit the attributes.
        DuplicateIdError: The id is taken.
    """
    if not may(write.caller, CREATE, schema).is_allowed:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    new = values.new_values(
        schema.attributes,
        write.data,
        keeps_times=write.caller.is_privileged,
        has_operators=write.action == "upsert",
    )
    log = log_of(write, schema)
    permissions = write.permissions
    if permissions is None:
        permissions = creator_permissions(write.caller)
    outcome = store.create(
        schema,
        uid=write.document_id,
        data=_first_data(write, schema, new),
        grants=grants_of(schema, permissions),
        created_at=new.created_at or log.at,
        updated_at=new.updated_at or log.at,
        log=log,
    )
    return log, outcome


def _first_data(write: Write, schema: CollectionSchema, new: Values) -> Mapping[str, Any]:
    """Return what a new document is to hold; operators find no value to start from."""
    data = sealed(schema, new.set)
    if not new.operations:
        return data
    data = store.operated(schema, data, new.operations)
    if FAULT in data:
        raise refused_operation(write.names, new.operations, data[FAULT])
    return data


def change_document(write: Write, schema: CollectionSchema, sent: Values) -> dict[str, Any] | None:
    """Change the document of a write, tell of it, and answer it; None where there is no such one.

    Raises: USER_UNAUTHORIZED, DOCUMENT_UPDATE_CONFLICT, DOCUMENT_INVALID_STRUCTURE,
        ATTRIBUTE_LIMIT_EXCEEDED
    """
    log = log_of(write, schema)
    is_granted, granting = granted(write.caller, UPDATE, schema)
    change = Change(
        data=sealed(schema, sent.set),
        dropped=sent.dropped,
        operations=sent.operations,
        grants=None if write.permissions is None else grants_of(schema, write.permissions),
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
    check_outcome(write, outcome)
    if outcome.fault is not None:
        raise refused_operation(write.names, sent.operations, outcome.fault)
    return announce(write, schema, log, outcome)


def delete_one(write: Write, schema: CollectionSchema) -> None:
    """Delete the document of a write, and tell of it.

    Raises: DOCUMENT_NOT_FOUND, USER_UNAUTHORIZED, DOCUMENT_UPDATE_CONFLICT
    """
    log = log_of(write, schema)
    is_granted, granting = granted(write.caller, DELETE, schema)
    outcome = store.delete(
        schema,
        write.document_id,
        is_granted=is_granted,
        granting=granting,
        unless_after=write.unless_after,
        log=log,
    )
    if outcome is None:
        raise ApiError(write.names.document_not_found)
    check_outcome(write, outcome)
    announce(write, schema, log, outcome)


def _unchanged(write: Write, schema: CollectionSchema, outcome: Outcome) -> dict[str, Any]:
    """Answer an update that changes nothing: it only has to be a permitted read."""
    if not may(write.caller, READ, schema, outcome.document.permissions).is_allowed:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    return document_output(outcome.document, schema, write.names)


def refused_operation(names: Vocabulary, operations: Sequence[Operation], fault: str) -> ApiError:
    """Return the error for what a stored value, or the size of the fields, does not allow."""
    if fault.startswith(FAULT_OF_FIELDS):
        refusal = too_large(fault.removeprefix(f"{FAULT_OF_FIELDS}:"))
        return ApiError(names.document_invalid_structure, str(refusal))
    operation, reason = operators.fault_of(operations, fault)
    if reason == PAST_BOUND:
        bound = operation.arguments["bound"]
        return ApiError(
            names.attribute_limit_exceeded,
            f'{names.attribute.title()} "{operation.attribute.key}" cannot go past {bound}',
        )
    if reason == WRONG_TYPE:
        return ApiError(
            names.attribute_type_invalid,
            f'"{operation.attribute.key}" holds no {operation.arguments["holds"]}',
        )
    return ApiError(names.document_invalid_structure, operation.refusal(reason))


def check_outcome(write: Write, outcome: Outcome) -> None:
    if not outcome.is_granted:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    if outcome.is_late:
        raise ApiError(write.names.document_update_conflict)


def granted(caller: Caller, action: str, schema: CollectionSchema) -> tuple[bool, list[str]]:
    """Tell whether any document may be changed, and which permissions on a document would do.

    The statement decides by this as `kernel.permissions.decide` does, on the locked document.
    """
    if may(caller, action, schema).is_allowed:
        return True, []
    if not schema.has_document_security:
        return False, []
    return False, [str(Permission(action, role)) for role in sorted(caller.roles)]


def grants_of(schema: CollectionSchema, permissions: Sequence[str]) -> Grants:
    parsed = [parse_permission(text) for text in permissions]
    return Grants(
        texts=permissions,
        group_ids=roles.role_group_ids(schema.project_id, [each.role for each in parsed]),
        permission_ids=[grants.permission_id(f"{each.action}_document") for each in parsed],
    )


def grants_of_many(schema: CollectionSchema, lists: Sequence[Sequence[str]]) -> Iterator[Grants]:
    """Return the grants of many documents; the groups of all roles are looked for at once."""
    parsed = {text: parse_permission(text) for text in chain.from_iterable(lists)}
    named = list({each.role for each in parsed.values()})
    groups = dict(zip(named, roles.role_group_ids(schema.project_id, named), strict=True))
    stored = {
        text: (groups[each.role], grants.permission_id(f"{each.action}_document"))
        for text, each in parsed.items()
    }
    for texts in lists:
        pairs = [stored[text] for text in texts]
        yield Grants(texts, [group for group, _ in pairs], [action for _, action in pairs])


def log_of(write: Write, schema: CollectionSchema) -> Log:
    return Log(
        name=write.names.document_event(
            write.database_id, write.collection_id, write.document_id, write.action
        ),
        fixed=common_output(schema, write.names),
        roles=roles_for(READ, schema.permissions),
        actor=write.caller.actor,
        at=clock.now(),
    )


def announce(write: Write, schema: CollectionSchema, log: Log, outcome: Outcome) -> dict[str, Any]:
    """Hand the logged event to its subscribers; return the document's answer."""
    return announce_document(
        write.names, schema, log, outcome.document, event_id=outcome.event_id or 0
    )


def announce_many(
    write: Write, schema: CollectionSchema, log: Log, written: Sequence[Written]
) -> list[dict[str, Any]]:
    """Hand the logged events of many documents to their subscribers; return their answers."""
    outputs = []
    announced = []
    for document, event_id in written:
        output = document_output(document, schema, write.names)
        outputs.append(output)
        if event_id is None:
            continue
        name = write.names.document_event(
            write.database_id, write.collection_id, document.uid, write.action
        )
        announced.append(
            _event(write.names, schema, log, document, output, name=name, event_id=event_id)
        )
    events.announce_many(announced)
    return outputs


def announce_document(
    names: Vocabulary,
    schema: CollectionSchema,
    log: Log,
    document: StoredDocument,
    *,
    event_id: int,
) -> dict[str, Any]:
    """Hand a document's logged event to its subscribers; return the document's answer."""
    output = document_output(document, schema, names)
    events.announce(_event(names, schema, log, document, output, name=log.name, event_id=event_id))
    return output


def _event(
    names: Vocabulary,
    schema: CollectionSchema,
    log: Log,
    document: StoredDocument,
    payload: dict[str, Any],
    *,
    name: str,
    event_id: int,
) -> Event:
    if schema.has_encryption:
        payload = document_output(document, schema, names, keeps_sealed=True)
    readers = log.roles
    if schema.has_document_security:
        readers = [*readers, *roles_for(READ, document.permissions)]
    return Event(
        name=name,
        project_id=schema.project_id,
        project_uid=schema.project_uid,
        payload=payload,
        roles=tuple(readers),
        actor=log.actor,
        id=event_id,
        created_at=log.at,
    )
