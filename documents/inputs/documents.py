"""Parameters of the operations on documents and rows."""

from dataclasses import dataclass
from typing import Any

from documents.inputs.paths import CollectionInput
from documents.records import sent_document
from documents.values import SentDocument
from kernel.fields import (
    boolean,
    custom_id,
    integer,
    json_object,
    key,
    list_of,
    number,
    optional,
    permissions,
    queries,
    required,
    text,
    uid,
)
from kernel.limits import (
    DEFAULT_CHANGES,
    MAX_ANSWER_SECONDS,
    MAX_BULK_DOCUMENTS,
    MAX_CHANGES,
    MAX_CURSOR_LENGTH,
)
from kernel.permissions import ITEM_ACTIONS

_permissions = permissions(ITEM_ACTIONS)


def _sent_document(value: object) -> SentDocument:
    return sent_document(json_object(value))


_sent_documents = list_of(_sent_document, maximum=MAX_BULK_DOCUMENTS)


def _numeric(value: object) -> int | float:
    """A number, or its text; whole ones stay exact."""
    if type(value) is int or (isinstance(value, str) and value.lstrip("-").isdecimal()):
        return int(integer()(value))
    return float(number(value))


def _positive(value: object) -> int | float:
    checked = _numeric(value)
    if checked <= 0:
        raise ValueError("Value must be greater than 0")
    return checked


@dataclass(frozen=True, kw_only=True)
class ListDocumentsInput(CollectionInput):
    queries: list[str] = optional(queries, default=[])
    total: bool = optional(boolean, default=True)
    transaction_id: str = optional(uid, default="")
    ttl: int = optional(integer(0, MAX_ANSWER_SECONDS), default=0)


@dataclass(frozen=True, kw_only=True)
class ListChangesInput(CollectionInput):
    since: str = optional(text(MAX_CURSOR_LENGTH), default="")
    limit: int = optional(integer(1, MAX_CHANGES), default=DEFAULT_CHANGES)


@dataclass(frozen=True, kw_only=True)
class CreateDocumentInput(CollectionInput):
    """The id and the data are needed, but their absence has an error type of its own."""

    document_id: str = optional(custom_id, default="")
    data: dict[str, Any] = optional(json_object, default={})
    permissions: list[str] | None = optional(_permissions)
    transaction_id: str = optional(uid, default="")


@dataclass(frozen=True, kw_only=True)
class GetDocumentInput(CollectionInput):
    document_id: str = required(uid)
    queries: list[str] = optional(queries, default=[])
    transaction_id: str = optional(uid, default="")


@dataclass(frozen=True, kw_only=True)
class ChangeDocumentInput(CollectionInput):
    document_id: str = required(uid)
    data: dict[str, Any] = optional(json_object, default={})
    permissions: list[str] | None = optional(_permissions)
    transaction_id: str = optional(uid, default="")


@dataclass(frozen=True, kw_only=True)
class DeleteDocumentInput(CollectionInput):
    document_id: str = required(uid)
    transaction_id: str = optional(uid, default="")


@dataclass(frozen=True, kw_only=True)
class IncrementInput(DeleteDocumentInput):
    attribute: str = required(key)
    value: int | float = optional(_positive, default=1)
    bound: int | float | None = optional(_numeric, name="max")


@dataclass(frozen=True, kw_only=True)
class DecrementInput(DeleteDocumentInput):
    attribute: str = required(key)
    value: int | float = optional(_positive, default=1)
    bound: int | float | None = optional(_numeric, name="min")


@dataclass(frozen=True, kw_only=True)
class CreateDocumentsInput(CollectionInput):
    documents: list[SentDocument] = required(_sent_documents)
    transaction_id: str = optional(uid, default="")


@dataclass(frozen=True, kw_only=True)
class UpdateDocumentsInput(CollectionInput):
    """The data may hold permissions."""

    data: SentDocument = optional(_sent_document, default=SentDocument("", {}, None))
    queries: list[str] = optional(queries, default=[])
    transaction_id: str = optional(uid, default="")


@dataclass(frozen=True, kw_only=True)
class DeleteDocumentsInput(CollectionInput):
    queries: list[str] = optional(queries, default=[])
    transaction_id: str = optional(uid, default="")
