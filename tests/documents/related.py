"""What the tests of relationships share: collections that are related, and their documents."""

from typing import Any

from kernel import jobs
from kernel.caller import ProjectContext
from tests.client import ApiClient, Reply
from tests.documents.blog import DATABASE, TEXT, make_collection

NAMED = {"name": TEXT}
COLLECTIONS = f"/databases/{DATABASE}/collections"
TABLES = f"/tablesdb/{DATABASE}/tables"


def relate(
    admin: ApiClient, parent: str, child: str, type_: str, key: str = "", **more: Any
) -> Any:
    """Relate two collections, and wait until documents can be linked."""
    body = {"relatedCollectionId": child, "type": type_, "key": key or child, **more}
    reply = admin.post(f"{COLLECTIONS}/{parent}/attributes/relationship", body)
    assert reply.status == 202, reply.json
    jobs.run_waiting()
    return reply.json


def make_collections(project: ProjectContext, *uids: str, **options: Any) -> None:
    for uid in uids:
        make_collection(project, uid, attributes=NAMED, **options)


def put(client: ApiClient, collection: str, uid: str, **data: Any) -> Reply:
    """Create a document that is named like its id."""
    body = {"documentId": uid, "data": {"name": uid, **data}}
    return client.post(f"{COLLECTIONS}/{collection}/documents", body)


def change(client: ApiClient, collection: str, uid: str, **data: Any) -> Reply:
    return client.patch(f"{COLLECTIONS}/{collection}/documents/{uid}", {"data": data})


def delete(client: ApiClient, collection: str, uid: str) -> Reply:
    return client.delete(f"{COLLECTIONS}/{collection}/documents/{uid}")


def get(client: ApiClient, collection: str, uid: str, *select: str) -> Reply:
    """Get a document, with all its own attributes where nothing is selected."""
    query = {"queries": [selecting(*select)]} if select else {}
    return client.get(f"{COLLECTIONS}/{collection}/documents/{uid}", query)


def selecting(*names: str) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return f'{{"method": "select", "values": [{listed}]}}'


def linked(client: ApiClient, collection: str, uid: str, key: str) -> Any:
    """Return the id a document is linked to, the ids where it may be several, or None."""
    reply = get(client, collection, uid, f"{key}.$id")
    assert reply.status == 200, reply.json
    value = reply.json[key]
    if isinstance(value, list):
        return [each["$id"] for each in value]
    return None if value is None else value["$id"]
