"""Answers of documents."""

from documents.outputs.attributes import attribute_output
from documents.outputs.collections import collection_output
from documents.outputs.databases import DatabaseOutput, database_output
from documents.outputs.documents import (
    EVERYTHING,
    change_list_output,
    common_output,
    document_list_output,
    document_output,
    group_list_output,
)
from documents.outputs.indexes import index_output
from documents.outputs.transfers import import_report_output

__all__ = [
    "EVERYTHING",
    "DatabaseOutput",
    "attribute_output",
    "change_list_output",
    "collection_output",
    "common_output",
    "database_output",
    "document_list_output",
    "document_output",
    "group_list_output",
    "import_report_output",
    "index_output",
]
