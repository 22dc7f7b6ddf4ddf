"""Paths of documents and rows."""

from datetime import datetime
from typing import Any, Final

from documents.inputs.documents import (
    ChangeDocumentInput,
    CreateDocumentInput,
    CreateDocumentsInput,
    DecrementInput,
    DeleteDocumentInput,
    DeleteDocumentsInput,
    GetDocumentInput,
    IncrementInput,
    ListDocumentsInput,
    UpdateDocumentsInput,
)
from documents.services import documents as services
from documents.views.endpoints import VocabularyEndpoint
from gateway.operations import RateLimit, operation
from gateway.parsing import header
from gateway.views import Answer, Call, created, no_content
from kernel import clock
from kernel.errors import ApiError, ErrorKind
from kernel.fields import InputT

READ = "documents.read"
WRITE = "documents.write"
ROW_READ = ("rows.read", "documents.read")
ROW_WRITE = ("rows.write", "documents.write")
_PER_CALLER = ("ip:{ip},method:{method},url:{url},userId:{userId}",)
CHANGES: Final = RateLimit(120, _PER_CALLER, window_seconds=60)
DELETIONS: Final = RateLimit(60, _PER_CALLER, window_seconds=60)


class DocumentsView(VocabularyEndpoint):
    @operation(
        "databases.listDocuments",
        "tablesDB.listRows",
        scope=READ,
        twin_scope=ROW_READ,
        needs_project=True,
    )
    def get(self, call: Call) -> Answer:
        return Answer(_listed(call, self.arguments(ListDocumentsInput, call)))

    @operation(
        "databases.createDocument",
        "tablesDB.createRow",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        rate_limit=CHANGES,
        needs_project=True,
    )
    def post(self, call: Call) -> Answer:
        if call.params.get(self.names.documents) is None:
            return created(services.create_document(**self.arguments(CreateDocumentInput, call)))
        for alone in (self.names.inputs.get("document_id", "documentId"), "data", "permissions"):
            if call.params.get(alone) is not None:
                raise ApiError(
                    ErrorKind.BAD_REQUEST,
                    f'Param "{alone}" is not for several {self.names.documents} at once.',
                )
        return self.post_many(call)

    @operation(
        "databases.createDocuments",
        "tablesDB.createRows",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        rate_limit=CHANGES,
        needs_project=True,
        is_for_servers=True,
    )
    def post_many(self, call: Call) -> Answer:
        return created(services.create_documents(**self.arguments(CreateDocumentsInput, call)))

    @operation(
        "databases.upsertDocuments",
        "tablesDB.upsertRows",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        rate_limit=CHANGES,
        needs_project=True,
        is_for_servers=True,
    )
    def put(self, call: Call) -> Answer:
        sent = self.arguments(CreateDocumentsInput, call)
        return Answer(services.upsert_documents(**sent, unless_after=_unless_after(call)))

    @operation(
        "databases.updateDocuments",
        "tablesDB.updateRows",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        rate_limit=CHANGES,
        needs_project=True,
        is_for_servers=True,
    )
    def patch(self, call: Call) -> Answer:
        sent = self.arguments(UpdateDocumentsInput, call)
        return Answer(services.update_documents(**sent, unless_after=_unless_after(call)))

    @operation(
        "databases.deleteDocuments",
        "tablesDB.deleteRows",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        rate_limit=DELETIONS,
        needs_project=True,
        is_for_servers=True,
    )
    def delete(self, call: Call) -> Answer:
        sent = self.arguments(DeleteDocumentsInput, call)
        return Answer(services.delete_documents(**sent, unless_after=_unless_after(call)))


class DocumentView(VocabularyEndpoint):
    @operation(
        "databases.getDocument",
        "tablesDB.getRow",
        scope=READ,
        twin_scope=ROW_READ,
        needs_project=True,
    )
    def get(self, call: Call) -> Answer:
        return Answer(services.get_document(**self.arguments(GetDocumentInput, call)))

    @operation(
        "databases.upsertDocument",
        "tablesDB.upsertRow",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        rate_limit=CHANGES,
        needs_project=True,
    )
    def put(self, call: Call) -> Answer:
        sent = self.arguments(ChangeDocumentInput, call)
        output = services.upsert_document(**sent, unless_after=_unless_after(call))
        return created(output) if sent["transaction_id"] else Answer(output)

    @operation(
        "databases.updateDocument",
        "tablesDB.updateRow",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        rate_limit=CHANGES,
        needs_project=True,
    )
    def patch(self, call: Call) -> Answer:
        sent = self.arguments(ChangeDocumentInput, call)
        return Answer(services.update_document(**sent, unless_after=_unless_after(call)))

    @operation(
        "databases.deleteDocument",
        "tablesDB.deleteRow",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        rate_limit=DELETIONS,
        needs_project=True,
    )
    def delete(self, call: Call) -> Answer:
        sent = self.arguments(DeleteDocumentInput, call)
        services.delete_document(**sent, unless_after=_unless_after(call))
        return no_content()


class QueryView(DocumentView):
    """Queries in a body; also the path of the document whose id is the word itself."""

    @operation(
        "databases.createQuery",
        "tablesDB.createQuery",
        scope=READ,
        twin_scope=ROW_READ,
        needs_project=True,
    )
    def post(self, call: Call) -> Answer:
        return created(_listed(call, super().arguments(ListDocumentsInput, call)))

    def arguments(self, input_class: type[InputT], call: Call) -> dict[str, Any]:
        call.params[self.names.inputs.get("document_id", "documentId")] = "query"
        return super().arguments(input_class, call)


class IncrementView(VocabularyEndpoint):
    @operation(
        "databases.incrementDocumentAttribute",
        "tablesDB.incrementRowColumn",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        rate_limit=CHANGES,
        needs_project=True,
    )
    def patch(self, call: Call) -> Answer:
        sent = self.arguments(IncrementInput, call)
        return Answer(services.increment_document_attribute(**sent))


class DecrementView(VocabularyEndpoint):
    @operation(
        "databases.decrementDocumentAttribute",
        "tablesDB.decrementRowColumn",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        rate_limit=CHANGES,
        needs_project=True,
    )
    def patch(self, call: Call) -> Answer:
        sent = self.arguments(DecrementInput, call)
        return Answer(services.decrement_document_attribute(**sent))


def _listed(call: Call, sent: dict[str, Any]) -> dict[str, Any]:
    """List documents; where an older answer will do, the header tells whether this is one."""
    ttl = sent.pop("ttl")
    if not ttl or sent["transaction_id"]:
        return services.list_documents(**sent)
    del sent["transaction_id"]
    output, was_kept = services.list_kept_documents(**sent, ttl=ttl)
    call.headers["X-Appwrite-Cache"] = "hit" if was_kept else "miss"
    return output


def _unless_after(call: Call) -> datetime | None:
    """Read the time after which a change by somebody else makes this one fail."""
    text = header(call.request.META, "X-Appwrite-Timestamp")
    try:
        return clock.parse_time(text) if text else None
    except ValueError:
        raise ApiError(
            ErrorKind.ARGUMENT_INVALID, "Invalid X-Appwrite-Timestamp header value"
        ) from None
