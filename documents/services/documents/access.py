"""Who may do what with the documents of a collection."""

from collections.abc import Sequence

from documents.catalog import CollectionSchema, check_enabled
from documents.vocabulary import Vocabulary
from kernel.caller import Caller
from kernel.errors import ApiError
from kernel.permissions import READ, Decision, decide


def may(
    caller: Caller, action: str, schema: CollectionSchema, item: Sequence[str] = ()
) -> Decision:
    """Decide about an action, on a document where `item` gives its permissions."""
    if caller.is_privileged:
        return Decision(is_allowed=True, reason="keys and console members pass every check")
    return decide(
        action,
        caller.roles,
        container=schema.permissions,
        item=item,
        has_item_security=schema.has_document_security,
    )


def readers_of(caller: Caller, schema: CollectionSchema, names: Vocabulary) -> list[str] | None:
    """Return the roles whose documents a caller sees: None for all there are, none for none."""
    try:
        check_enabled(schema, caller, names)
    except ApiError:
        return []
    if may(caller, READ, schema).is_allowed:
        return None
    return sorted(caller.roles) if schema.has_document_security else []


def sees(caller: Caller, schema: CollectionSchema, names: Vocabulary, item: Sequence[str]) -> bool:
    """Tell whether a caller finds a document that has these permissions."""
    is_shown = readers_of(caller, schema, names) != []
    return is_shown and may(caller, READ, schema, item).is_allowed
