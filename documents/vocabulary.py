"""The two vocabularies of one product: collections of documents, and tables of rows.

Inputs, outputs, events and errors take their words from here; the services are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kernel.errors import ErrorKind, Kind
from kernel.event_names import id_part


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The public words of one vocabulary. `inputs` renames the fields of input classes."""

    database_type: str
    collection: str
    attribute: str
    document: str
    collections: str
    attributes: str
    documents: str
    collection_id: str
    document_security: str
    related_collection: str
    inputs: Mapping[str, str]

    collection_not_found: Kind
    collection_already_exists: Kind

    attribute_not_found: Kind
    attribute_unknown: Kind
    attribute_not_available: Kind
    attribute_default_unsupported: Kind
    attribute_already_exists: Kind
    attribute_limit_exceeded: Kind
    attribute_value_invalid: Kind
    attribute_type_invalid: Kind
    attribute_invalid_resize: Kind

    index_not_found: Kind
    index_already_exists: Kind
    index_limit_exceeded: Kind
    index_invalid: Kind

    document_not_found: Kind
    document_already_exists: Kind
    document_unique_violation: Kind
    document_invalid_structure: Kind
    document_missing_data: Kind
    document_missing_payload: Kind
    document_update_conflict: Kind
    document_delete_restricted: Kind

    def collection_event(self, database_uid: str, collection_uid: str) -> str:
        """Return the name that all events of a collection begin with."""
        return f"databases.{id_part(database_uid)}.{self.collections}.{id_part(collection_uid)}"

    def document_event(
        self, database_uid: str, collection_uid: str, document_uid: str, action: str
    ) -> str:
        """Return the name of the event that something happened to a document."""
        collection = self.collection_event(database_uid, collection_uid)
        return f"{collection}.{self.documents}.{id_part(document_uid)}.{action}"


COLLECTIONS: Final = Vocabulary(
    database_type="legacy",
    collection="collection",
    attribute="attribute",
    document="document",
    collections="collections",
    attributes="attributes",
    documents="documents",
    collection_id="collectionId",
    document_security="documentSecurity",
    related_collection="relatedCollection",
    inputs={},
    collection_not_found=ErrorKind.COLLECTION_NOT_FOUND,
    collection_already_exists=ErrorKind.COLLECTION_ALREADY_EXISTS,
    attribute_not_found=ErrorKind.ATTRIBUTE_NOT_FOUND,
    attribute_unknown=ErrorKind.ATTRIBUTE_UNKNOWN,
    attribute_not_available=ErrorKind.ATTRIBUTE_NOT_AVAILABLE,
    attribute_default_unsupported=ErrorKind.ATTRIBUTE_DEFAULT_UNSUPPORTED,
    attribute_already_exists=ErrorKind.ATTRIBUTE_ALREADY_EXISTS,
    attribute_limit_exceeded=ErrorKind.ATTRIBUTE_LIMIT_EXCEEDED,
    attribute_value_invalid=ErrorKind.ATTRIBUTE_VALUE_INVALID,
    attribute_type_invalid=ErrorKind.ATTRIBUTE_TYPE_INVALID,
    attribute_invalid_resize=ErrorKind.ATTRIBUTE_INVALID_RESIZE,
    index_not_found=ErrorKind.INDEX_NOT_FOUND,
    index_already_exists=ErrorKind.INDEX_ALREADY_EXISTS,
    index_limit_exceeded=ErrorKind.INDEX_LIMIT_EXCEEDED,
    index_invalid=ErrorKind.INDEX_INVALID,
    document_not_found=ErrorKind.DOCUMENT_NOT_FOUND,
    document_already_exists=ErrorKind.DOCUMENT_ALREADY_EXISTS,
    document_unique_violation=ErrorKind.DOCUMENT_UNIQUE_VIOLATION,
    document_invalid_structure=ErrorKind.DOCUMENT_INVALID_STRUCTURE,
    document_missing_data=ErrorKind.DOCUMENT_MISSING_DATA,
    document_missing_payload=ErrorKind.DOCUMENT_MISSING_PAYLOAD,
    document_update_conflict=ErrorKind.DOCUMENT_UPDATE_CONFLICT,
    document_delete_restricted=ErrorKind.DOCUMENT_DELETE_RESTRICTED,
)
TABLES: Final = Vocabulary(
    database_type="tablesdb",
    collection="table",
    attribute="column",
    document="row",
    collections="tables",
    attributes="columns",
    documents="rows",
    collection_id="tableId",
    document_security="rowSecurity",
    related_collection="relatedTable",
    inputs={
        "collection_id": "tableId",
        "related_collection_id": "relatedTableId",
        "document_id": "rowId",
        "document_security": "rowSecurity",
        "attribute": "column",
        "attributes": "columns",
        "documents": "rows",
    },
    collection_not_found=ErrorKind.TABLE_NOT_FOUND,
    collection_already_exists=ErrorKind.TABLE_ALREADY_EXISTS,
    attribute_not_found=ErrorKind.COLUMN_NOT_FOUND,
    attribute_unknown=ErrorKind.COLUMN_UNKNOWN,
    attribute_not_available=ErrorKind.COLUMN_NOT_AVAILABLE,
    attribute_default_unsupported=ErrorKind.COLUMN_DEFAULT_UNSUPPORTED,
    attribute_already_exists=ErrorKind.COLUMN_ALREADY_EXISTS,
    attribute_limit_exceeded=ErrorKind.COLUMN_LIMIT_EXCEEDED,
    attribute_value_invalid=ErrorKind.COLUMN_VALUE_INVALID,
    attribute_type_invalid=ErrorKind.COLUMN_TYPE_INVALID,
    attribute_invalid_resize=ErrorKind.COLUMN_INVALID_RESIZE,
    index_not_found=ErrorKind.COLUMN_INDEX_NOT_FOUND,
    index_already_exists=ErrorKind.COLUMN_INDEX_ALREADY_EXISTS,
    index_limit_exceeded=ErrorKind.COLUMN_INDEX_LIMIT_EXCEEDED,
    index_invalid=ErrorKind.COLUMN_INDEX_INVALID,
    document_not_found=ErrorKind.ROW_NOT_FOUND,
    document_already_exists=ErrorKind.ROW_ALREADY_EXISTS,
    document_unique_violation=ErrorKind.ROW_UNIQUE_VIOLATION,
    document_invalid_structure=ErrorKind.ROW_INVALID_STRUCTURE,
    document_missing_data=ErrorKind.ROW_MISSING_DATA,
    document_missing_payload=ErrorKind.ROW_MISSING_PAYLOAD,
    document_update_conflict=ErrorKind.ROW_UPDATE_CONFLICT,
    document_delete_restricted=ErrorKind.ROW_DELETE_RESTRICTED,
)
#: By the `dialect` of a view.
VOCABULARIES: Final = (COLLECTIONS, TABLES)
