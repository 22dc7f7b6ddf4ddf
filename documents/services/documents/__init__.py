"""Documents; in the other vocabulary: rows."""

from documents.services.documents.bulk import (
    create_documents,
    delete_documents,
    update_documents,
    upsert_documents,
)
from documents.services.documents.changes import (
    Replay,
    collection_of,
    list_changes,
    opened_event,
    replay_changes,
)
from documents.services.documents.reading import (
    get_document,
    list_documents,
    list_kept_documents,
)
from documents.services.documents.steps import (
    decrement_document_attribute,
    increment_document_attribute,
)
from documents.services.documents.writing import (
    create_document,
    delete_document,
    update_document,
    upsert_document,
)

__all__ = [
    "Replay",
    "collection_of",
    "create_document",
    "create_documents",
    "decrement_document_attribute",
    "delete_document",
    "delete_documents",
    "get_document",
    "increment_document_attribute",
    "list_changes",
    "list_documents",
    "list_kept_documents",
    "opened_event",
    "replay_changes",
    "update_document",
    "update_documents",
    "upsert_document",
    "upsert_documents",
]
