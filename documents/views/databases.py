"""Paths of databases."""

from documents import services
from documents.inputs.databases import CreateDatabaseInput, ListDatabasesInput, UpdateDatabaseInput
from documents.inputs.paths import DatabaseInput
from documents.views.endpoints import VocabularyEndpoint
from gateway.operations import operation
from gateway.views import Answer, Call, created, no_content
from kernel.fields import as_dict

READ = "databases.read"
WRITE = "databases.write"


class DatabasesView(VocabularyEndpoint):
    @operation("databases.list", "tablesDB.list", scope=READ, needs_project=True)
    def get(self, call: Call) -> Answer:
        data = self.read(ListDatabasesInput, call)
        return Answer(services.list_databases(caller=call.caller, **as_dict(data)))

    @operation("databases.create", "tablesDB.create", scope=WRITE, needs_project=True)
    def post(self, call: Call) -> Answer:
        return created(services.create_database(**self.arguments(CreateDatabaseInput, call)))


class DatabaseView(VocabularyEndpoint):
    @operation("databases.get", "tablesDB.get", scope=READ, needs_project=True)
    def get(self, call: Call) -> Answer:
        data = self.read(DatabaseInput, call)
        return Answer(services.get_database(caller=call.caller, **as_dict(data)))

    @operation("databases.update", "tablesDB.update", scope=WRITE, needs_project=True)
    def put(self, call: Call) -> Answer:
        data = self.read(UpdateDatabaseInput, call)
        return Answer(services.update_database(caller=call.caller, **as_dict(data)))

    @operation("databases.delete", "tablesDB.delete", scope=WRITE, needs_project=True)
    def delete(self, call: Call) -> Answer:
        data = self.read(DatabaseInput, call)
        services.delete_database(caller=call.caller, **as_dict(data))
        return no_content()
