"""A collection of notes in the older vocabulary: attributes, an index, documents, queries."""

import time
from typing import Any

import scenario
from appwrite.enums.index_type import IndexType
from appwrite.id import ID
from appwrite.permission import Permission
from appwrite.query import Query
from appwrite.role import Role
from appwrite.services.databases import Databases

databases = Databases(scenario.key_client())
database = databases.create(ID.unique(), "Older")["$id"]
place = (database, "notes")


def wait_until_available() -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        built = databases.get_collection(*place)
        parts = [*built["attributes"], *built["indexes"]]
        if {part["status"] for part in parts} == {"available"}:
            return dict(built)
        time.sleep(0.05)
    raise TimeoutError(parts)


databases.create_collection(*place, "Notes", [Permission.read(Role.any())], True)
attribute = databases.create_string_attribute(*place, "title", 100, True)
databases.create_integer_attribute(*place, "size", False, 0, 100, 1)
wait_until_available()
databases.create_index(*place, "by_size", IndexType.KEY, ["size"], ["DESC"])
collection = wait_until_available()

made = databases.create_document(
    *place, ID.unique(), {"title": "A", "size": 5}, [Permission.write(Role.users())]
)
databases.create_document(*place, ID.unique(), {"title": "B"})
found = databases.get_document(*place, made["$id"])
changed = databases.update_document(*place, made["$id"], {"title": "C"})
listed = databases.list_documents(*place, [Query.equal("size", [5]), Query.order_desc("title")])
by_guest = Databases(scenario.client()).list_documents(*place)
deleted = databases.delete_document(*place, made["$id"])
missing = scenario.refusal(lambda: databases.get_document(*place, made["$id"]))
databases.delete(database)

scenario.tell(
    attribute=attribute,
    collection=collection,
    made=made,
    found=found,
    changed=changed,
    listed=listed,
    by_guest=by_guest,
    deleted=deleted,
    missing=missing,
)
