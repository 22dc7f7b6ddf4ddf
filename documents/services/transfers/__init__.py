"""Whole collections in and out: as files, and from other servers."""

from documents.reports import Report
from documents.services.transfers.collections import known_attributes, prepare_collection
from documents.services.transfers.exports import EXPORT_PAGE, Page, export_documents
from documents.services.transfers.imports import Limits, import_documents, schema_of

__all__ = [
    "EXPORT_PAGE",
    "Limits",
    "Page",
    "Report",
    "export_documents",
    "import_documents",
    "known_attributes",
    "prepare_collection",
    "schema_of",
]
