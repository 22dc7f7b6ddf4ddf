"""Indexes as answers."""

from typing import Any

from documents.indexes import Index
from documents.vocabulary import Vocabulary


def index_output(index: Index, names: Vocabulary) -> dict[str, Any]:
    """Return the model `Index`, or `ColumnIndex`."""
    return {
        "$id": index.key,
        "$createdAt": index.created_at,
        "$updatedAt": index.updated_at,
        "key": index.key,
        "description": index.description,
        "type": index.type,
        "status": index.status,
        "error": index.error,
        names.attributes: index.attributes,
        "lengths": index.lengths,
        "orders": index.orders,
    }
