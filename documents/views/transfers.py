"""Whole collections in and out over HTTP: bodies of JSON lines or CSV, as streams."""

import hashlib
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from documents.inputs.transfers import ExportInput, ImportInput
from documents.outputs import import_report_output
from documents.records import CONTENT_TYPES, READERS, WRITERS, UnknownColumnError, lines
from documents.services import transfers
from documents.views.documents import CHANGES, READ, ROW_READ, ROW_WRITE, WRITE
from documents.views.endpoints import VocabularyEndpoint
from gateway import bodies
from gateway.operations import Operation, operation
from gateway.parsing import read_query
from gateway.views import Answer, Call
from kernel.errors import ApiError, ErrorKind
from kernel.limits import IMPORT_SECONDS


class ImportView(VocabularyEndpoint):
    def _params(self, request: HttpRequest, _operation: Operation) -> dict[str, Any]:
        return read_query(request)  # the body is the file

    @operation(
        "databases.importDocuments",
        "tablesDB.importRows",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        rate_limit=CHANGES,
        needs_project=True,
        is_for_servers=True,
    )
    def post(self, call: Call) -> Answer:
        sent = self.arguments(ImportInput, call)
        format_, from_line = sent.pop("format"), sent.pop("from_line")
        max_errors = sent.pop("max_errors")
        place = {name: sent[name] for name in ("caller", "names", "database_id", "collection_id")}
        sent["import_id"] = sent["import_id"] or _digest(call.request)
        schema = transfers.schema_of(**place)
        records = READERS[format_](lines(bodies.pieces(call.request)), schema)
        try:
            report = transfers.import_documents(
                **sent,
                records=(each for each in records if each.line >= from_line),
                limits=transfers.Limits(errors=max_errors, seconds=IMPORT_SECONDS),
            )
        except UnknownColumnError as error:
            raise ApiError(ErrorKind.BAD_REQUEST, f"{error}.") from None
        return Answer(import_report_output(report))


class ExportView(VocabularyEndpoint):
    @operation(
        "databases.exportDocuments",
        "tablesDB.exportRows",
        scope=READ,
        twin_scope=ROW_READ,
        rate_limit=CHANGES,
        needs_project=True,
        is_for_servers=True,
    )
    def get(self, call: Call) -> HttpResponseBase:
        sent = self.arguments(ExportInput, call)
        format_, after = sent.pop("format"), sent.pop("after")
        writer = WRITERS[format_](transfers.schema_of(**sent))
        pages = transfers.export_documents(**sent, after=after)
        name = f"{sent['collection_id']}.{format_}"
        return StreamingHttpResponse(
            _pieces(writer.head, (writer.write(each.documents) for each in pages)),
            content_type=CONTENT_TYPES[format_],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _pieces(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from rest


def _digest(request: HttpRequest) -> str:
    """Name an import by its file, so that the same one sent again makes nothing twice."""
    digest = hashlib.sha256()
    for piece in bodies.pieces(request):
        digest.update(piece)
    return digest.hexdigest()
