"""Documents and rows as answers."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from documents import encryption
from documents.attributes import Attribute
from documents.catalog import CollectionSchema
from documents.store import Changed, Groups, Page, StoredDocument
from documents.vocabulary import Vocabulary
from kernel.clock import api_time

EVERYTHING = "*"

Shown = Callable[[Mapping[str, Any]], Mapping[str, Any]]


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
    shown = _shown(schema, select, keeps_sealed=keeps_sealed)
    return _outputs([document], common_output(schema, names), shown)[0]


def _outputs(
    documents: Sequence[StoredDocument], common: Mapping[str, str], shown: Shown
) -> list[dict[str, Any]]:
    return [
        {
            "$id": uid,
            "$sequence": str(number),
            **common,
            "$createdAt": created_at,
            "$updatedAt": updated_at,
            "$permissions": permissions,
            **shown(data),
        }
        for number, uid, data, permissions, created_at, updated_at in documents
    ]


def _shown(
    schema: CollectionSchema, select: Sequence[str] | None, *, keeps_sealed: bool = False
) -> Shown:
    """Return what answers show of a row's data."""
    shown: Shown = schema.shown_values
    if select is not None and EVERYTHING not in select:
        shown = partial(_selected, schema.attributes, select)
    if not schema.has_encryption or keeps_sealed:
        return shown
    place = (schema.database_uid, schema.uid)
    open_values = partial(encryption.open_values, project_id=schema.project_id, place=place)
    return lambda data: shown(open_values(data))


def _selected(
    attributes: Mapping[str, Attribute], select: Sequence[str], data: Mapping[str, Any]
) -> dict[str, Any]:
    found = ((key, attributes[key]) for key in select if key in attributes)
    return {key: data.get(attribute.name, attribute.blank) for key, attribute in found}


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
        names.documents: _outputs(
            page.documents, common_output(schema, names), _shown(schema, select)
        ),
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
