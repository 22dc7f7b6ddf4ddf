"""Use cases of documents."""

from documents.services.attributes import (
    build_attribute,
    create_attribute,
    delete_attribute,
    get_attribute,
    list_attributes,
    sweep_attribute,
    update_attribute,
)
from documents.services.collections import (
    create_collection,
    delete_collection,
    get_collection,
    list_collections,
    update_collection,
)
from documents.services.databases import (
    create_database,
    create_default_database,
    delete_database,
    get_database,
    list_databases,
    update_database,
)
from documents.services.documents import (
    create_document,
    delete_document,
    get_document,
    list_documents,
    update_document,
    upsert_document,
)
from documents.services.indexes import (
    build_index,
    create_index,
    delete_index,
    drop_index,
    get_index,
    list_indexes,
)
from documents.services.sweeps import sweep_collection, sweep_database, sweep_project

__all__ = [
    "build_attribute",
    "build_index",
    "create_attribute",
    "create_collection",
    "create_database",
    "create_default_database",
    "create_document",
    "create_index",
    "delete_attribute",
    "delete_collection",
    "delete_database",
    "delete_document",
    "delete_index",
    "drop_index",
    "get_attribute",
    "get_collection",
    "get_database",
    "get_document",
    "get_index",
    "list_attributes",
    "list_collections",
    "list_databases",
    "list_documents",
    "list_indexes",
    "sweep_attribute",
    "sweep_collection",
    "sweep_database",
    "sweep_project",
    "update_attribute",
    "update_collection",
    "update_database",
    "update_document",
    "upsert_document",
]
