"""Checks of documents: grants on nothing, and collections without a table."""

from kernel import sql
from kernel.diagnosis import ProblemError, check

LONGEST_COUNT = 1000

_ORPHANS = """
    SELECT count(*) FROM (
        SELECT 1 FROM (
            SELECT content_object_id, collection_id FROM document_user_grant
            UNION ALL
            SELECT content_object_id, collection_id FROM document_group_grant
        ) g
        WHERE NOT EXISTS (
            SELECT 1 FROM document d
            WHERE d.id = g.content_object_id AND d.collection_id = g.collection_id
        )
        LIMIT %s
    ) orphan
"""
_WITHOUT_TABLE = """
    SELECT count(*) FROM document_collection c
    WHERE c.deleted_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM pg_inherits i
        WHERE i.inhparent = 'document'::regclass
            AND i.inhrelid = to_regclass('document_' || c.id)
    )
"""
_WITHOUT_COLLECTION = """
    SELECT count(*) FROM pg_inherits i JOIN pg_class t ON t.oid = i.inhrelid
    WHERE i.inhparent = 'document'::regclass AND NOT EXISTS (
        SELECT 1 FROM document_collection c WHERE t.relname = 'document_' || c.id
    )
"""


@check("grants")
def find_grants() -> str:
    """No foreign key ties a grant to its document, so that documents can be partitioned."""
    orphans = _count(_ORPHANS, LONGEST_COUNT)
    if orphans:
        at_least = "at least " if orphans == LONGEST_COUNT else ""
        raise ProblemError(f"{at_least}{orphans} grants are on documents that are gone")
    return "every one is on a document"


@check("collections")
def find_collections() -> str:
    bare = _count(_WITHOUT_TABLE)
    if bare:
        raise ProblemError(f"{bare} collections have no table for their documents")
    stray = _count(_WITHOUT_COLLECTION)
    if stray:
        raise ProblemError(f"{stray} tables of documents belong to no collection")
    return "every one has its table"


def _count(statement: sql.Statement, *parameters: int) -> int:
    row = sql.fetch_one(statement, parameters)
    return int(row[0]) if row else 0
