"""Parameters of transactions, and the operations that are staged several at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from documents.inputs.documents import (
    ChangeDocumentInput,
    CreateDocumentInput,
    CreateDocumentsInput,
    DecrementInput,
    DeleteDocumentInput,
    DeleteDocumentsInput,
    IncrementInput,
    UpdateDocumentsInput,
)
from documents.vocabulary import Vocabulary
from kernel import fields
from kernel.errors import invalid
from kernel.fields import as_dict, optional, read_input, required
from kernel.limits import (
    DEFAULT_TRANSACTION_SECONDS,
    MAX_TRANSACTION_OPERATIONS,
    MAX_TRANSACTION_SECONDS,
    MIN_TRANSACTION_SECONDS,
)


@dataclass(frozen=True)
class _Action:
    """The service an action stands for, and the parameters that service takes."""

    service: str
    input_class: type[Any]
    takes_time: bool = True

    @property
    def is_bulk(self) -> bool:
        return self.service.endswith("documents")


_ACTIONS = {
    "create": _Action("create_document", CreateDocumentInput, takes_time=False),
    "update": _Action("update_document", ChangeDocumentInput),
    "upsert": _Action("upsert_document", ChangeDocumentInput),
    "delete": _Action("delete_document", DeleteDocumentInput),
    "increment": _Action("increment_document_attribute", IncrementInput, takes_time=False),
    "decrement": _Action("decrement_document_attribute", DecrementInput, takes_time=False),
    "bulkCreate": _Action("create_documents", CreateDocumentsInput, takes_time=False),
    "bulkUpdate": _Action("update_documents", UpdateDocumentsInput),
    "bulkUpsert": _Action("upsert_documents", CreateDocumentsInput),
    "bulkDelete": _Action("delete_documents", DeleteDocumentsInput),
}


def _operation(value: object) -> dict[str, Any]:
    operation = fields.json_object(value)
    if operation.get("action") not in _ACTIONS:
        raise ValueError(f"Key 'action' must be one of: {', '.join(_ACTIONS)}")
    return operation


@dataclass(frozen=True, kw_only=True)
class ListTransactionsInput:
    queries: list[str] = optional(fields.queries, default=[])
    total: bool = optional(fields.boolean, default=True)


@dataclass(frozen=True, kw_only=True)
class CreateTransactionInput:
    ttl: int = optional(
        fields.integer(MIN_TRANSACTION_SECONDS, MAX_TRANSACTION_SECONDS),
        default=DEFAULT_TRANSACTION_SECONDS,
    )


@dataclass(frozen=True, kw_only=True)
class TransactionInput:
    transaction_id: str = required(fields.uid)


@dataclass(frozen=True, kw_only=True)
class UpdateTransactionInput(TransactionInput):
    commit: bool = optional(fields.boolean, default=False)
    rollback: bool = optional(fields.boolean, default=False)


@dataclass(frozen=True, kw_only=True)
class CreateOperationsInput(TransactionInput):
    operations: list[dict[str, Any]] = optional(
        fields.list_of(_operation, maximum=MAX_TRANSACTION_OPERATIONS), default=[]
    )


def read_operation(sent: Mapping[str, Any], names: Vocabulary) -> tuple[str, dict[str, Any]]:
    """Return the name of the service that an operation calls, and its arguments.

    Raises: ARGUMENT_INVALID
    """
    action = _ACTIONS[sent["action"]]
    document_id = names.inputs.get("document_id", "documentId")
    if not action.is_bulk and not sent.get(document_id):
        reason = f"Key '{document_id}' is required for action '{sent['action']}'"
        raise invalid("operations", reason)
    params = {**_parameters(sent["action"], sent.get("data"), names), **_place(sent, names)}
    arguments = as_dict(read_input(action.input_class, params, names=names.inputs))
    del arguments["transaction_id"]
    if action.takes_time:
        arguments["unless_after"] = None
    return action.service, arguments


def _place(sent: Mapping[str, Any], names: Vocabulary) -> dict[str, Any]:
    document_id = names.inputs.get("document_id", "documentId")
    return {
        name: sent[name]
        for name in ("databaseId", names.collection_id, document_id)
        if name in sent
    }


def _parameters(action: str, data: Any, names: Vocabulary) -> dict[str, Any]:
    """Return the parameters that an action's `data` stands for."""
    if action == "delete":
        return {}
    if action in ("bulkCreate", "bulkUpsert"):
        return {names.documents: data}
    if not isinstance(data, dict):
        raise invalid("operations", f"Key 'data' must be an object for action '{action}'")
    if action in ("create", "update", "upsert"):
        values = {name: value for name, value in data.items() if name != "$permissions"}
        return {"data": values, "permissions": data.get("$permissions")}
    return dict(data)
