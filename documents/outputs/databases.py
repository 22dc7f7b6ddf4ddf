"""Databases as answers."""

from typing import TypedDict

from documents.models import Database
from kernel import clock

DatabaseOutput = TypedDict(
    "DatabaseOutput",
    {
        "$id": str,
        "$createdAt": str,
        "$updatedAt": str,
        "name": str,
        "description": str,
        "enabled": bool,
        "type": str,
        "policies": list[dict[str, str]],
        "archives": list[dict[str, str]],
    },
)


def database_output(database: Database) -> DatabaseOutput:
    return {
        "$id": database.uid,
        "$createdAt": clock.api_time(database.created_at),
        "$updatedAt": clock.api_time(database.updated_at),
        "name": database.name,
        "description": database.description,
        "enabled": database.is_enabled,
        "type": database.type,
        "policies": [],
        "archives": [],
    }
