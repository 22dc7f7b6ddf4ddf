"""The change feed of documents and rows."""

from documents.inputs.documents import ListChangesInput
from documents.services import documents as services
from documents.views.documents import READ, ROW_READ, DocumentView
from gateway.operations import operation
from gateway.views import Answer, Call

#: The last word of the feed's path, where a document of this id would be read.
CHANGES = "changes"


class ChangesView(DocumentView):
    """Reads the feed. Writes on its path are those of a document that is called like it."""

    @operation(
        "databases.listDocumentChanges",
        "tablesDB.listRowChanges",
        scope=READ,
        twin_scope=ROW_READ,
        needs_project=True,
    )
    def get(self, call: Call) -> Answer:
        return Answer(services.list_changes(**self.arguments(ListChangesInput, call)))
