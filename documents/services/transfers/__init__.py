"""Whole collections in and out: as files, and from other servers."""

from documents.reports import Report
from documents.services.transfers.exports import EXPORT_PAGE, Page, export_documents
from documents.services.transfers.imports import Limits, attributes_of, import_documents

__all__ = [
    "EXPORT_PAGE",
    "Limits",
    "Page",
    "Report",
    "attributes_of",
    "export_documents",
    "import_documents",
]
