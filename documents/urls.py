"""Paths of documents."""

from django.urls import path
from django.urls.resolvers import URLPattern

from documents.views.documents import DocumentsView, DocumentView

_DOCUMENTS = "databases/<str:databaseId>/collections/<str:collectionId>/documents"
_ROWS = "tablesdb/<str:databaseId>/tables/<str:tableId>/rows"

urlpatterns: list[URLPattern] = [
    path(_DOCUMENTS, DocumentsView.as_view()),
    path(f"{_DOCUMENTS}/<str:documentId>", DocumentView.as_view()),
    path(_ROWS, DocumentsView.as_view(dialect=1)),
    path(f"{_ROWS}/<str:rowId>", DocumentView.as_view(dialect=1)),
]
