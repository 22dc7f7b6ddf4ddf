"""Collections for what is to be imported."""

from collections.abc import Sequence

from django.db import transaction

from documents import attributes as attribute_types
from documents import definitions
from documents.attributes import AVAILABLE, Attribute
from documents.definitions import AttributeRequest
from documents.services.adoption import hold_writers
from documents.services.attributes import check_no_fields, load_attributes
from documents.services.collections import create_collection
from documents.services.schemas import load_collection, save_collection
from documents.services.twins import publish_attribute
from documents.vocabulary import Vocabulary
from kernel.caller import Caller
from kernel.errors import ApiError


@transaction.atomic
def prepare_collection(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    name: str,
    attributes: Sequence[AttributeRequest],
) -> None:
    """Create a collection that only documents' own permissions open, ready for an import.

    Where it exists it stays as it is, but for the attributes it lacks: they are added, ready at
    once, for no document has values of theirs.

    Raises: DATABASE_NOT_FOUND, ATTRIBUTE_ALREADY_EXISTS where free fields have the key of one that
        it lacks, and as `definitions.define_attribute` says
    """
    try:
        create_collection(
            caller=caller,
            names=names,
            database_id=database_id,
            collection_id=collection_id,
            name=name,
            permissions=[],
            document_security=True,
            enabled=True,
            description="",
            attributes=attributes,
            indexes=[],
        )
    except ApiError as error:
        if error.kind is not names.collection_already_exists:
            raise
        _complete(caller, names, database_id, collection_id, attributes)


def known_attributes(
    *, caller: Caller, names: Vocabulary, database_id: str, collection_id: str
) -> dict[str, Attribute]:
    """Return the attributes of a collection by their keys; none where it does not exist.

    Raises: DATABASE_NOT_FOUND
    """
    try:
        collection = load_collection(caller, names, database_id, collection_id)
    except ApiError as error:
        if error.kind is not names.collection_not_found:
            raise
        return {}
    return {each.key: each for each in load_attributes(collection)}


def _complete(
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    requests: Sequence[AttributeRequest],
) -> None:
    collection = load_collection(caller, names, database_id, collection_id, is_locked=True)
    known = load_attributes(collection)
    keys = {each.key for each in known}
    added: list[Attribute] = []
    hold_writers(collection)
    for request in requests:
        if request.key in keys:
            continue
        check_no_fields(collection, request.key, names)
        attribute = definitions.define_attribute(
            request,
            [*known, *added],
            names=names,
            stored_name=definitions.unused_name(
                request.key,
                version=collection.version,
                has_retired_names=collection.has_retired_names,
            ),
            status=AVAILABLE,
        )
        added.append(attribute)
    if not added:
        return
    collection.attributes += [attribute_types.dump(each) for each in added]
    save_collection(collection, "attributes")
    for attribute in added:
        publish_attribute(caller, collection, attribute, names, "create")
