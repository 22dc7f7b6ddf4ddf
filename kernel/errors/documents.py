"""Errors of databases, their schema, documents and transactions."""

from kernel.errors.kind import Kind


class DocumentErrors:
    DATABASE_NOT_FOUND = Kind("database_not_found", 404, "There is no database with this id.")
    DATABASE_ALREADY_EXISTS = Kind("database_already_exists", 409, "The database id is taken.")
    DATABASE_TIMEOUT = Kind("database_timeout", 408, "The query took too long; add an index.")
    DATABASE_QUERY_ORDER_NULL = Kind(
        "database_query_order_null",
        400,
        "The item the cursor points to has no value in the ordered attribute.",
    )
    COLLECTION_NOT_FOUND = Kind("collection_not_found", 404, "There is no collection with this id.")
    COLLECTION_ALREADY_EXISTS = Kind(
        "collection_already_exists", 409, "The collection id is taken."
    )
    TABLE_NOT_FOUND = Kind("table_not_found", 404, "There is no table with this id.")
    TABLE_ALREADY_EXISTS = Kind("table_already_exists", 409, "The table id is taken.")

    DOCUMENT_NOT_FOUND = Kind("document_not_found", 404, "There is no document with this id.")
    DOCUMENT_ALREADY_EXISTS = Kind("document_already_exists", 409, "The document id is taken.")
    DOCUMENT_UNIQUE_VIOLATION = Kind(
        "document_unique_constraint_violation",
        409,
        "A document with the same value of a unique index exists.",
    )
    DOCUMENT_INVALID_STRUCTURE = Kind(
        "document_invalid_structure",
        400,
        "The document does not fit its collection.",
    )
    DOCUMENT_MISSING_DATA = Kind("document_missing_data", 400, "The document's data is missing.")
    DOCUMENT_MISSING_PAYLOAD = Kind(
        "document_missing_payload",
        400,
        "Give data, permissions, or both.",
    )
    DOCUMENT_UPDATE_CONFLICT = Kind(
        "document_update_conflict",
        409,
        "The document changed since the given time.",
    )
    ROW_NOT_FOUND = Kind("row_not_found", 404, "There is no row with this id.")
    ROW_ALREADY_EXISTS = Kind("row_already_exists", 409, "The row id is taken.")
    ROW_UNIQUE_VIOLATION = Kind(
        "row_unique_constraint_violation",
        409,
        "A row with the same value of a unique index exists.",
    )
    ROW_INVALID_STRUCTURE = Kind("row_invalid_structure", 400, "The row does not fit its table.")
    ROW_MISSING_DATA = Kind("row_missing_data", 400, "The row's data is missing.")
    ROW_MISSING_PAYLOAD = Kind("row_missing_payload", 400, "Give data, permissions, or both.")
    ROW_UPDATE_CONFLICT = Kind("row_update_conflict", 409, "The row changed since the given time.")

    DOCUMENT_DELETE_RESTRICTED = Kind(
        "document_delete_restricted",
        403,
        "The document cannot be deleted because others are related to it.",
    )
    ROW_DELETE_RESTRICTED = Kind(
        "row_delete_restricted",
        403,
        "The row cannot be deleted because others are related to it.",
    )
    RELATIONSHIP_VALUE_INVALID = Kind(
        "relationship_value_invalid",
        400,
        "The value of a relationship is not valid.",
    )

    ATTRIBUTE_NOT_FOUND = Kind("attribute_not_found", 404, "There is no attribute with this key.")
    ATTRIBUTE_UNKNOWN = Kind("attribute_unknown", 400, "The index names an unknown attribute.")
    ATTRIBUTE_NOT_AVAILABLE = Kind(
        "attribute_not_available", 400, "The attribute is not ready yet."
    )
    ATTRIBUTE_DEFAULT_UNSUPPORTED = Kind(
        "attribute_default_unsupported",
        400,
        "A required or array attribute cannot have a default.",
    )
    ATTRIBUTE_ALREADY_EXISTS = Kind("attribute_already_exists", 409, "The attribute key is taken.")
    ATTRIBUTE_LIMIT_EXCEEDED = Kind("attribute_limit_exceeded", 400, "Too many attributes.")
    ATTRIBUTE_TYPE_INVALID = Kind(
        "attribute_type_invalid",
        400,
        "The attribute is of another type.",
    )
    ATTRIBUTE_INVALID_RESIZE = Kind(
        "attribute_invalid_resize",
        400,
        "A stored value is longer than the new size.",
    )
    ATTRIBUTE_VALUE_INVALID = Kind("attribute_value_invalid", 400, "The value is not valid.")
    COLUMN_NOT_FOUND = Kind("column_not_found", 404, "There is no column with this key.")
    COLUMN_UNKNOWN = Kind("column_unknown", 400, "The index names an unknown column.")
    COLUMN_NOT_AVAILABLE = Kind("column_not_available", 400, "The column is not ready yet.")
    COLUMN_DEFAULT_UNSUPPORTED = Kind(
        "column_default_unsupported",
        400,
        "A required or array column cannot have a default.",
    )
    COLUMN_ALREADY_EXISTS = Kind("column_already_exists", 409, "The column key is taken.")
    COLUMN_LIMIT_EXCEEDED = Kind("column_limit_exceeded", 400, "Too many columns.")
    COLUMN_TYPE_INVALID = Kind("column_type_invalid", 400, "The column is of another type.")
    COLUMN_INVALID_RESIZE = Kind(
        "column_invalid_resize",
        400,
        "A stored value is longer than the new size.",
    )
    COLUMN_VALUE_INVALID = Kind("column_value_invalid", 400, "The value is not valid.")

    INDEX_NOT_FOUND = Kind("index_not_found", 404, "There is no index with this key.")
    INDEX_ALREADY_EXISTS = Kind("index_already_exists", 409, "The index key is taken.")
    INDEX_LIMIT_EXCEEDED = Kind("index_limit_exceeded", 400, "Too many indexes.")
    INDEX_INVALID = Kind("index_invalid", 400, "The index is not valid.")
    COLUMN_INDEX_NOT_FOUND = Kind("column_index_not_found", 404, "There is no index with this key.")
    COLUMN_INDEX_ALREADY_EXISTS = Kind(
        "column_index_already_exists", 409, "The index key is taken."
    )
    COLUMN_INDEX_LIMIT_EXCEEDED = Kind("column_index_limit_exceeded", 400, "Too many indexes.")
    COLUMN_INDEX_INVALID = Kind("column_index_invalid", 400, "The index is not valid.")

    TRANSACTION_NOT_FOUND = Kind(
        "transaction_not_found", 404, "There is no transaction with this id."
    )
    TRANSACTION_NOT_READY = Kind(
        "transaction_not_ready",
        400,
        "The transaction is not pending: it was committed, or it failed.",
    )
    TRANSACTION_EXPIRED = Kind("transaction_expired", 410, "The transaction has expired.")
    TRANSACTION_CONFLICT = Kind(
        "transaction_conflict",
        409,
        "Something the transaction touches was changed outside of it.",
    )
    TRANSACTION_LIMIT_EXCEEDED = Kind(
        "transaction_limit_exceeded",
        400,
        "The transaction holds too much.",
    )
