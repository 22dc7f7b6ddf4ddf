"""Console pages of databases, collections and documents, with their object permissions."""

from documents.admin.collections import CollectionAdmin
from documents.admin.databases import DatabaseAdmin
from documents.admin.documents import DocumentAdmin

__all__ = ["CollectionAdmin", "DatabaseAdmin", "DocumentAdmin"]
