"""What the tests of schemas share."""

from typing import Any

from django.db import connection

from documents import partitions
from documents.models import Collection
from documents.services import promote_collection
from tests.client import ApiClient

SCHEMA_SCOPES = [
    "databases.read",
    "databases.write",
    "collections.read",
    "collections.write",
    "documents.read",
    "documents.write",
]
POSTS = "/databases/default/collections/posts"
#: What attributes of some types cannot do without.
NEEDED: dict[str, dict[str, Any]] = {
    "string": {"size": 100},
    "varchar": {"size": 100},
    "enum": {"elements": ["draft", "live"]},
}
#: By type: the model of its attributes.
MODELS = {
    "string": "String",
    "varchar": "Varchar",
    "text": "Text",
    "mediumtext": "Mediumtext",
    "longtext": "Longtext",
    "email": "Email",
    "url": "Url",
    "ip": "Ip",
    "enum": "Enum",
    "integer": "Integer",
    "bigint": "Bigint",
    "float": "Float",
    "boolean": "Boolean",
    "datetime": "Datetime",
    "point": "Point",
    "line": "Line",
    "polygon": "Polygon",
}
TYPES = list(MODELS)


def document_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r'")
        return [name for (name,) in cursor.fetchall() if name.startswith("document_")]


def drop_partitions() -> None:
    """Remove what truncating tables after a test leaves: the partitions themselves."""
    with connection.cursor() as cursor:
        for name in document_tables():
            if name.removeprefix("document_").isdigit():
                cursor.execute(f"DROP TABLE {name}")


def own_partition(uid: str = "posts") -> Collection:
    """Give a collection a partition of its own, as if it had grown."""
    promote_collection(collection_id=collection(uid).id)
    return collection(uid)


def index_names(collection_id: int) -> list[str]:
    """Return the valid indexes of a partition that were made for the API."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indexrelid::regclass::text FROM pg_index i"
            " WHERE i.indrelid = %s::regclass AND i.indisvalid",
            [partitions.name(partitions.place_of(collection_id))],
        )
        return sorted(name for (name,) in cursor.fetchall() if name.startswith("ix_"))


def add_attribute(client: ApiClient, type_: str, key: str, **more: Any) -> Any:
    body = {"key": key, "required": False, **NEEDED.get(type_, {}), **more}
    reply = client.post(f"{POSTS}/attributes/{type_}", body)
    assert reply.status == 202, reply.json
    return reply.json


def collection(uid: str = "posts") -> Collection:
    return Collection.objects.get(uid=uid, deleted_at=None)


def status(client: ApiClient, key: str) -> Any:
    return client.get(f"{POSTS}/attributes/{key}").json["status"]
