"""Paths of documents: every one in both vocabularies."""

from collections.abc import Iterator

from django.urls import path
from django.urls.resolvers import URLPattern

from documents.views.attributes import TYPED_VIEWS, AttributesView, AttributeView
from documents.views.changes import CHANGES, ChangesView
from documents.views.collections import CollectionsView, CollectionView
from documents.views.databases import DatabasesView, DatabaseView
from documents.views.documents import (
    DecrementView,
    DocumentsView,
    DocumentView,
    IncrementView,
    QueryView,
)
from documents.views.indexes import IndexesView, IndexView
from documents.views.relationships import RelationshipsView, RelationshipView
from documents.views.transactions import OperationsView, TransactionsView, TransactionView
from documents.views.transfers import ExportView, ImportView

_DATABASES = ("databases", "tablesdb")
_COLLECTIONS = ("collections", "tables")
_COLLECTION_IDS = ("collectionId", "tableId")
_ATTRIBUTES = ("attributes", "columns")
_ATTRIBUTE_KEYS = ("attribute", "column")
_DOCUMENTS = ("documents", "rows")
_DOCUMENT_IDS = ("documentId", "rowId")


def _paths(dialect: int) -> Iterator[URLPattern]:
    databases = _DATABASES[dialect]
    collections = f"{databases}/<str:databaseId>/{_COLLECTIONS[dialect]}"
    collection = f"{collections}/<str:{_COLLECTION_IDS[dialect]}>"
    attributes = f"{collection}/{_ATTRIBUTES[dialect]}"
    documents = f"{collection}/{_DOCUMENTS[dialect]}"
    transaction = f"{databases}/transactions/<str:transactionId>"
    yield path(databases, DatabasesView.as_view(dialect=dialect))
    yield path(f"{databases}/transactions", TransactionsView.as_view(dialect=dialect))
    yield path(f"{databases}/<str:databaseId>", DatabaseView.as_view(dialect=dialect))
    yield path(collections, CollectionsView.as_view(dialect=dialect))
    yield path(transaction, TransactionView.as_view(dialect=dialect))
    yield path(f"{transaction}/operations", OperationsView.as_view(dialect=dialect))
    yield path(collection, CollectionView.as_view(dialect=dialect))
    yield path(attributes, AttributesView.as_view(dialect=dialect))
    for type_, (create_view, update_view) in TYPED_VIEWS.items():
        yield path(f"{attributes}/{type_}", create_view.as_view(dialect=dialect))
        yield path(f"{attributes}/{type_}/<str:key>", update_view.as_view(dialect=dialect))
    related = f"{attributes}/relationship"
    yield path(related, RelationshipsView.as_view(dialect=dialect))
    yield path(f"{related}/<str:key>", RelationshipView.as_view(dialect=dialect))
    yield path(f"{attributes}/<str:key>/relationship", RelationshipView.as_view(dialect=dialect))
    yield path(f"{attributes}/<str:key>", AttributeView.as_view(dialect=dialect))
    yield path(f"{collection}/import", ImportView.as_view(dialect=dialect))
    yield path(f"{collection}/export", ExportView.as_view(dialect=dialect))
    yield path(f"{collection}/indexes", IndexesView.as_view(dialect=dialect))
    yield path(f"{collection}/indexes/<str:key>", IndexView.as_view(dialect=dialect))
    yield path(documents, DocumentsView.as_view(dialect=dialect))
    document_id = _DOCUMENT_IDS[dialect]
    document = f"{documents}/<str:{document_id}>"
    attribute = f"{document}/<str:{_ATTRIBUTE_KEYS[dialect]}>"
    changes_view = ChangesView.as_view(dialect=dialect)
    yield path(f"{documents}/{CHANGES}", changes_view, {document_id: CHANGES})
    yield path(f"{documents}/query", QueryView.as_view(dialect=dialect))
    yield path(document, DocumentView.as_view(dialect=dialect))
    yield path(f"{attribute}/increment", IncrementView.as_view(dialect=dialect))
    yield path(f"{attribute}/decrement", DecrementView.as_view(dialect=dialect))


urlpatterns: list[URLPattern] = [*_paths(0), *_paths(1)]
