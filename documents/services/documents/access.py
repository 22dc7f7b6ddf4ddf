"""Who may do what with the documents of a collection."""

from collections.abc import Sequence

from documents.catalog import CollectionSchema
from kernel.caller import Caller
from kernel.permissions import Decision, decide


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
