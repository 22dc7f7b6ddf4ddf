"""Paths of collections and tables."""

from documents import services
from documents.inputs.collections import (
    CreateCollectionInput,
    ListCollectionsInput,
    UpdateCollectionInput,
)
from documents.inputs.paths import CollectionInput
from documents.views.endpoints import VocabularyEndpoint
from gateway.operations import operation
from gateway.views import Answer, Call, created, no_content

READ = "collections.read"
WRITE = "collections.write"
TABLE_READ = ("tables.read", "collections.read")
TABLE_WRITE = ("tables.write", "collections.write")


class CollectionsView(VocabularyEndpoint):
    @operation(
        "databases.listCollections",
        "tablesDB.listTables",
        scope=READ,
        twin_scope=TABLE_READ,
        needs_project=True,
    )
    def get(self, call: Call) -> Answer:
        return Answer(services.list_collections(**self.arguments(ListCollectionsInput, call)))

    @operation(
        "databases.createCollection",
        "tablesDB.createTable",
        scope=WRITE,
        twin_scope=TABLE_WRITE,
        needs_project=True,
    )
    def post(self, call: Call) -> Answer:
        return created(services.create_collection(**self.arguments(CreateCollectionInput, call)))


class CollectionView(VocabularyEndpoint):
    @operation(
        "databases.getCollection",
        "tablesDB.getTable",
        scope=READ,
        twin_scope=TABLE_READ,
        needs_project=True,
    )
    def get(self, call: Call) -> Answer:
        return Answer(services.get_collection(**self.arguments(CollectionInput, call)))

    @operation(
        "databases.updateCollection",
        "tablesDB.updateTable",
        scope=WRITE,
        twin_scope=TABLE_WRITE,
        needs_project=True,
    )
    def put(self, call: Call) -> Answer:
        return Answer(services.update_collection(**self.arguments(UpdateCollectionInput, call)))

    @operation(
        "databases.deleteCollection",
        "tablesDB.deleteTable",
        scope=WRITE,
        twin_scope=TABLE_WRITE,
        needs_project=True,
    )
    def delete(self, call: Call) -> Answer:
        services.delete_collection(**self.arguments(CollectionInput, call))
        return no_content()
