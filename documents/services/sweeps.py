"""What deleted databases and collections leave behind, and how it goes: repeatable, in pieces."""

from django.db import transaction
from psycopg import sql as psql

from documents import partitions, store
from documents.models import Collection, Database, DocumentTransaction
from documents.services.databases import hide_database
from documents.services.twins import relations_of
from documents.store import moves
from kernel import sql

_GRANTS = ("document_user_grant", "document_group_grant")
_DELETE_GRANTS = psql.SQL(
    "DELETE FROM {grants} g USING {partition} d WHERE g.content_object_id = d.id"
)
_ANNOUNCE = "SELECT set_config('appwrite.compiled', 'on', true)"
SWEEP_BATCH = 1000
_DELETE_SOME = psql.SQL("""
    WITH r AS (
        DELETE FROM {partition} WHERE collection_id = %(collection)s AND id IN (
            SELECT id FROM {partition} WHERE collection_id = %(collection)s
            ORDER BY id LIMIT %(limit)s
        ) RETURNING id
    ),
    revoked AS (DELETE FROM document_group_grant g USING r WHERE g.content_object_id = r.id),
    revoked_users AS (DELETE FROM document_user_grant u USING r WHERE u.content_object_id = r.id)
    SELECT count(*), set_config('appwrite.compiled', 'on', true) FROM r
""")


def sweep_collection(*, collection_id: int) -> None:
    """Remove a deleted collection with its documents and every grant on them.

    Outside a transaction. A partition of its own leaves the table of documents first: nothing can
    join it then, so that one statement finds all its grants.
    """
    collection = Collection.objects.filter(id=collection_id).exclude(deleted_at=None).first()
    if collection is None:
        return
    if partitions.is_shared(collection.place):
        _delete_documents(collection)
    with partitions.unhurried():
        if partitions.is_shared(collection.place):
            partitions.drop_table(collection_id)  # of a move that was not finished
        else:
            moves.clear(collection_id)
            partitions.detach(collection_id)
            if partitions.exists(collection_id):
                _delete_grants(collection_id)
            partitions.drop(collection_id)
        for relation in relations_of(collection):
            store.sweep_links(relation.id)
        collection.delete()


def sweep_database(*, database_id: int) -> None:
    """Remove a deleted database with its collections. Outside a transaction."""
    database = Database.objects.filter(id=database_id).exclude(deleted_at=None).first()
    if database is None:
        return
    for collection_id in Collection.objects.filter(database=database).values_list("id", flat=True):
        sweep_collection(collection_id=collection_id)
    database.delete()


def sweep_project(*, project_id: int) -> None:
    """Remove the databases and transactions of a project that is going. Outside a transaction."""
    for database in Database.objects.in_project(project_id):
        with transaction.atomic():
            hide_database(database)
    for database_id in Database.objects.filter(project_id=project_id).values_list("id", flat=True):
        sweep_database(database_id=database_id)
    DocumentTransaction.objects.filter(project_id=project_id).delete()


def _delete_documents(collection: Collection) -> None:
    """Delete the documents from among their neighbours, once nobody is adding to them."""
    with transaction.atomic():
        partitions.hold_writers(collection.place)
    text = _DELETE_SOME.format(partition=partitions.identifier(collection.place))
    values = {"collection": collection.id, "limit": SWEEP_BATCH}
    while (row := sql.fetch_one(text, values)) and row[0]:
        pass


def _delete_grants(collection_id: int) -> None:
    partition = partitions.identifier(collection_id)
    for table in _GRANTS:
        with transaction.atomic():
            # The documents go as well: their permissions need not be compiled once more.
            sql.fetch_one(_ANNOUNCE)
            partitions.define(
                _DELETE_GRANTS.format(grants=psql.Identifier(table), partition=partition)
            )
