"""What `doctor` looks for in documents: parts that no longer belong together."""

from kernel import sql
from kernel.diagnosis import ProblemError, check

_HOMELESS = """
    SELECT count(*) FROM document_collection c
    WHERE c.deleted_at IS NULL AND to_regclass(document_table(c.place)) IS NULL
"""
# Documents where nobody looks for them, nor clears away what moved.
_STRAY = """
    SELECT count(*) FROM (SELECT DISTINCT collection_id, place FROM document WHERE place < 0) d
    WHERE NOT EXISTS (
        SELECT 1 FROM document_collection c WHERE c.id = d.collection_id AND c.place = d.place
    ) AND NOT EXISTS (
        SELECT 1 FROM job j WHERE j.name = 'documents.promote_collection'
            AND j.status IN ('waiting', 'running')
            AND (j.arguments ->> 'collection_id')::bigint = d.collection_id
    )
"""
_UNOWNED = """
    SELECT count(*) FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
    WHERE i.inhparent = 'document'::regclass AND NOT starts_with(p.relname, 'document_shared_')
    AND NOT EXISTS (
        SELECT 1 FROM document_collection c WHERE p.relname = document_table(c.place)
    )
"""
_BROKEN = """
    SELECT count(*) FROM document_collection c, jsonb_array_elements(c.indexes) entry
    WHERE c.deleted_at IS NULL AND entry ->> 'status' = 'available' AND NOT EXISTS (
        SELECT 1 FROM pg_index i
        WHERE i.indexrelid = to_regclass(entry ->> 'name') AND i.indisvalid
    )
"""
_DANGLING = """
    SELECT (SELECT count(*) FROM document_group_grant g WHERE NOT EXISTS (
                SELECT 1 FROM document_collection c WHERE c.id = g.collection_id))
         + (SELECT count(*) FROM document_user_grant u WHERE NOT EXISTS (
                SELECT 1 FROM document_collection c WHERE c.id = u.collection_id))
"""
_UNRELATED = """
    SELECT count(*) FROM (SELECT DISTINCT relation FROM document_link) l WHERE NOT EXISTS (
        SELECT 1 FROM document_collection c, jsonb_array_elements(c.attributes || c.inbound) entry
        WHERE coalesce(entry -> 'relation' ->> 'id', entry ->> 'id')::bigint = l.relation
    )
"""
_COLLECTIONS = "SELECT count(*) FROM document_collection WHERE deleted_at IS NULL"
_PROBLEMS = (
    (_HOMELESS, "{} collections have no table of documents: restore them from a backup"),
    (_STRAY, "documents of {} collections are in a table that is not theirs: delete them"),
    (_UNOWNED, "{} tables of documents belong to no collection: drop them"),
    (_BROKEN, "{} indexes are said to be available and are not: delete and make them anew"),
    (_DANGLING, "{} grants are on documents of collections that are gone: delete them"),
    (_UNRELATED, "links of {} relationships are left that are gone: delete them"),
)


@check("documents")
def find_documents() -> str:
    for statement, text in _PROBLEMS:
        found = _count(statement)
        if found:
            raise ProblemError(text.format(found))
    return f"{_count(_COLLECTIONS)} collections, each with its table, indexes and grants"


def _count(statement: sql.Statement) -> int:
    row = sql.fetch_one(statement)
    return int(row[0]) if row else 0
