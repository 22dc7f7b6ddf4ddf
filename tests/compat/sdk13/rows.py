"""A table in the newer vocabulary, which this release speaks as well."""

import time

import scenario
from appwrite.id import ID
from appwrite.query import Query
from appwrite.services.tables_db import TablesDB

tables = TablesDB(scenario.key_client())
database = tables.create(ID.unique(), "Newer")["$id"]
place = (database, "notes")
table = tables.create_table(*place, "Notes")
tables.create_string_column(*place, "title", 100, True)
deadline = time.monotonic() + 20
while tables.get_column(*place, "title")["status"] != "available":
    if time.monotonic() > deadline:
        raise TimeoutError
    time.sleep(0.05)

made = tables.create_row(*place, "first", {"title": "A"})
changed = tables.update_row(*place, "first", {"title": "B"})
listed = tables.list_rows(*place, [Query.equal("title", ["B"])])
tables.delete_row(*place, "first")
emptied = tables.list_rows(*place)
tables.delete(database)

scenario.tell(table=table, made=made, changed=changed, listed=listed, emptied=emptied)
