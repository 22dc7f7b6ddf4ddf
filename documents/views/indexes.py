"""Paths of indexes."""

from documents import services
from documents.definitions import IndexRequest
from documents.inputs.indexes import CreateIndexInput, ListIndexesInput
from documents.inputs.paths import CollectionInput, KeyInput
from documents.views.endpoints import VocabularyEndpoint
from gateway.operations import operation
from gateway.views import Answer, Call, accepted, no_content
from kernel.fields import as_dict

READ = "collections.read"
WRITE = "collections.write"
TABLE_READ = ("tables.read", "collections.read", "indexes.read")
TABLE_WRITE = ("tables.write", "collections.write", "indexes.write")


class IndexesView(VocabularyEndpoint):
    @operation(
        "databases.listIndexes",
        "tablesDB.listIndexes",
        scope=READ,
        twin_scope=TABLE_READ,
        needs_project=True,
    )
    def get(self, call: Call) -> Answer:
        return Answer(services.list_indexes(**self.arguments(ListIndexesInput, call)))

    @operation(
        "databases.createIndex",
        "tablesDB.createIndex",
        scope=WRITE,
        twin_scope=TABLE_WRITE,
        needs_project=True,
    )
    def post(self, call: Call) -> Answer:
        request = IndexRequest(**as_dict(self.read(CreateIndexInput, call)))
        place = self.arguments(CollectionInput, call)
        return accepted(services.create_index(**place, request=request))


class IndexView(VocabularyEndpoint):
    @operation(
        "databases.getIndex",
        "tablesDB.getIndex",
        scope=READ,
        twin_scope=TABLE_READ,
        needs_project=True,
    )
    def get(self, call: Call) -> Answer:
        return Answer(services.get_index(**self.arguments(KeyInput, call)))

    @operation(
        "databases.deleteIndex",
        "tablesDB.deleteIndex",
        scope=WRITE,
        twin_scope=TABLE_WRITE,
        needs_project=True,
    )
    def delete(self, call: Call) -> Answer:
        services.delete_index(**self.arguments(KeyInput, call))
        return no_content()
