"""Paths of documents and rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from documents.inputs.documents import (
    ChangeDocumentInput,
    CreateDocumentInput,
    DeleteDocumentInput,
    GetDocumentInput,
    ListDocumentsInput,
)
from documents.services import documents as services
from documents.vocabulary import VOCABULARIES, Vocabulary
from gateway.operations import RateLimit, operation
from gateway.parsing import header
from gateway.views import Answer, Call, Endpoint, created, no_content
from kernel import clock
from kernel.errors import ApiError, ErrorKind
from kernel.fields import InputT, as_dict, read_input

READ = "documents.read"
WRITE = "documents.write"
ROW_READ = ("rows.read", "documents.read")
ROW_WRITE = ("rows.write", "documents.write")
_PER_CALLER = ("ip:{ip},method:{method},url:{url},userId:{userId}",)
CHANGES: Final = RateLimit(120, _PER_CALLER, window_seconds=60)
DELETIONS: Final = RateLimit(60, _PER_CALLER, window_seconds=60)
#: Parameters that are only accepted to be refused.
_REFUSED = frozenset({"transaction_id", "documents"})


class _DocumentEndpoint(Endpoint):
    """A path that exists in both vocabularies."""

    _parameters: ClassVar[tuple[Mapping[str, str], ...]] = tuple(
        {**names.inputs, "documents": names.documents} for names in VOCABULARIES
    )

    @property
    def names(self) -> Vocabulary:
        return VOCABULARIES[self.dialect]

    def read(self, input_class: type[InputT], call: Call) -> dict[str, Any]:
        """Return the keyword arguments of the service that this call is for."""
        data = read_input(input_class, call.params, names=self._parameters[self.dialect])
        sent = {name: value for name, value in as_dict(data).items() if name not in _REFUSED}
        return {"caller": call.caller, "names": self.names, **sent}


class DocumentsView(_DocumentEndpoint):
    @operation(
        "databases.listDocuments",
        "tablesDB.listRows",
        scope=READ,
        twin_scope=ROW_READ,
        needs_project=True,
    )
    def get(self, call: Call) -> Answer:
        return Answer(services.list_documents(**self.read(ListDocumentsInput, call)))

    @operation(
        "databases.createDocument",
        "tablesDB.createRow",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        rate_limit=CHANGES,
        needs_project=True,
    )
    def post(self, call: Call) -> Answer:
        return created(services.create_document(**self.read(CreateDocumentInput, call)))


class DocumentView(_DocumentEndpoint):
    @operation(
        "databases.getDocument",
        "tablesDB.getRow",
        scope=READ,
        twin_scope=ROW_READ,
        needs_project=True,
    )
    def get(self, call: Call) -> Answer:
        return Answer(services.get_document(**self.read(GetDocumentInput, call)))

    @operation(
        "databases.upsertDocument",
        "tablesDB.upsertRow",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        rate_limit=CHANGES,
        needs_project=True,
    )
    def put(self, call: Call) -> Answer:
        sent = self.read(ChangeDocumentInput, call)
        return Answer(services.upsert_document(**sent, unless_after=_unless_after(call)))

    @operation(
        "databases.updateDocument",
        "tablesDB.updateRow",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        rate_limit=CHANGES,
        needs_project=True,
    )
    def patch(self, call: Call) -> Answer:
        sent = self.read(ChangeDocumentInput, call)
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
        sent = self.read(DeleteDocumentInput, call)
        services.delete_document(**sent, unless_after=_unless_after(call))
        return no_content()


def _unless_after(call: Call) -> datetime | None:
    """Read the time after which a change by somebody else makes this one fail."""
    text = header(call.request.META, "X-Appwrite-Timestamp")
    try:
        return clock.parse_time(text) if text else None
    except ValueError:
        raise ApiError(
            ErrorKind.ARGUMENT_INVALID, "Invalid X-Appwrite-Timestamp header value"
        ) from None
