"""Documents and rows as answers."""

from collections.abc import Sequence
from typing import Any

from documents import encryption
from documents.catalog import CollectionSchema
from documents.store import Changed, Groups, Page, StoredDocument
from documents.vocabulary import Vocabulary
from kernel.clock import api_time

EVERYTHING = "*"


def document_output(
    document: StoredDocument,
    schema: CollectionSchema,
    names: Vocabulary,
    *,
    select: Sequence[str] | None = None,
    keeps_sealed: bool = False,
) -> dict[str, Any]:
    """Return the model `Document`, or `Row`: the selected attributes and all system ones.

    An attribute without a value is null, an array without one is empty. With `keeps_sealed` the
    values of encrypted attributes stay so, which is how events are kept.
    """
    data = document.data
    if schema.has_encryption and not keeps_sealed:
        place = (schema.database_uid, schema.uid)
        data = encryption.open_values(data, project_id=schema.project_id, place=place)
    output: dict[str, Any] = {
        "$id": document.uid,
        "$sequence": str(document.id),
        **common_output(schema, names),
        "$createdAt": document.created_at,
        "$updatedAt": document.updated_at,
        "$permissions": document.permissions,
    }
    if select is None or EVERYTHING in select:
        output.update(schema.shown_values(data))
    else:
        for key in select:
            if key in schema.attributes:
                attribute = schema.attributes[key]
                output[key] = data.get(attribute.name, attribute.blank)
    return output


def common_output(schema: CollectionSchema, names: Vocabulary) -> dict[str, str]:
    """Return the part of an answer that all documents of a collection share."""
    return {"$databaseId": schema.database_uid, f"${names.collection_id}": schema.uid}


def document_list_output(
    page: Page,
    schema: CollectionSchema,
    names: Vocabulary,
    *,
    select: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return the model `DocumentList`, or `RowList`."""
    return {
        "total": page.total,
        names.documents: [
            document_output(each, schema, names, select=select) for each in page.documents
        ],
    }


def group_list_output(found: Groups, schema: CollectionSchema, names: Vocabulary) -> dict[str, Any]:
    """Return the model `DocumentList`, or `RowList`, of groups, which read like documents."""
    common = {
        "$id": "",
        "$sequence": "",
        **common_output(schema, names),
        "$createdAt": "",
        "$updatedAt": "",
        "$permissions": [],
    }
    return {"total": found.total, names.documents: [{**common, **row} for row in found.rows]}


def change_list_output(
    changed: Sequence[Changed],
    schema: CollectionSchema,
    names: Vocabulary,
    *,
    cursor: str,
    has_more: bool,
) -> dict[str, Any]:
    """Return the model `DocumentChangeList`, or `RowChangeList`, which are of our own."""
    return {
        "total": len(changed),
        "changes": [_change_output(each, schema, names) for each in changed],
        "cursor": cursor,
        "hasMore": has_more,
    }


def _change_output(changed: Changed, schema: CollectionSchema, names: Vocabulary) -> dict[str, Any]:
    document = changed.document
    kind = "delete"
    if document is not None:
        kind = "update" if changed.was_visible else "create"
    return {
        "type": kind,
        f"{names.document}Id": changed.uid,
        "changedAt": api_time(changed.changed_at),
        names.document: document and document_output(document, schema, names),
    }
