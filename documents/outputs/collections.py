"""Collections and tables as answers."""

from typing import Any

from documents import attributes as attribute_types
from documents import indexes as index_types
from documents.models import Collection
from documents.outputs.attributes import attribute_output
from documents.outputs.indexes import index_output
from documents.vocabulary import Vocabulary
from kernel import clock


def collection_output(
    collection: Collection, database_uid: str, names: Vocabulary
) -> dict[str, Any]:
    """Return the model `Collection`, or `Table`."""
    attributes = [attribute_types.load(entry) for entry in collection.attributes]
    return {
        "$id": collection.uid,
        "$createdAt": clock.api_time(collection.created_at),
        "$updatedAt": clock.api_time(collection.updated_at),
        "$permissions": collection.permissions,
        "databaseId": database_uid,
        "name": collection.name,
        "description": collection.description,
        "enabled": collection.is_enabled,
        names.document_security: collection.has_document_security,
        "schemaless": collection.is_schemaless,
        names.attributes: [attribute_output(each, names) for each in attributes],
        "indexes": [index_output(index_types.load(each), names) for each in collection.indexes],
        "bytesMax": attribute_types.MAX_ROW_BYTES,
        "bytesUsed": attribute_types.row_bytes(attributes),
    }
