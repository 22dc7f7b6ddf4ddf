from importlib import import_module
from typing import Any

from django.db import migrations, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import documents.models
import documents.partitions

SHARED = 16
SHARED_MAX_DOCUMENTS = 1000
#: One new document in so many has those of its collection counted.
COUNTED = 256
#: A transaction locks each partition with its indexes.
BATCH = 200

# The table of documents by place. Partitions have their keys themselves: those of the table would
# have to name the place, and be wider for it.
PARENT = """
ALTER TABLE document_collection ADD COLUMN place bigint;
UPDATE document_collection SET place = id;
ALTER TABLE document_collection ALTER COLUMN place SET NOT NULL;
ALTER TABLE document RENAME TO document_by_collection;
CREATE TABLE document (
    id bigint NOT NULL DEFAULT nextval('document_id_seq'),
    collection_id bigint NOT NULL,
    uid varchar(36) COLLATE "C" NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    permissions text[] NOT NULL DEFAULT '{}',
    read_roles text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    place bigint NOT NULL
) PARTITION BY LIST (place);
ALTER SEQUENCE document_id_seq OWNED BY document.id;
CREATE TRIGGER document_changed AFTER INSERT OR UPDATE OR DELETE ON document
    FOR EACH ROW EXECUTE FUNCTION document_note_change();
"""
# A job is asked for where nobody has to count for it but now and then, and no statement is added.
CROWDED = f"""
CREATE FUNCTION document_crowded() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    is_crowded boolean;
BEGIN
    EXECUTE format(
        'SELECT count(*) > $2 FROM (SELECT FROM %I WHERE collection_id = $1 LIMIT $2 + 1) d',
        TG_TABLE_NAME
    ) INTO is_crowded USING NEW.collection_id, {SHARED_MAX_DOCUMENTS};
    IF is_crowded THEN
        INSERT INTO job (name, arguments, status, attempts, error, run_after) VALUES (
            'documents.promote_collection',
            jsonb_build_object('collection_id', NEW.collection_id), 'waiting', 0, '', now()
        );
    END IF;
    RETURN NULL;
END
$body$;
"""
SHARED_PARTITION = f"""
CREATE TABLE document_shared_{{number}} PARTITION OF document (
    place DEFAULT -{{number}}, PRIMARY KEY (collection_id, id), UNIQUE (collection_id, uid)
) FOR VALUES IN (-{{number}});
CREATE TRIGGER document_crowded AFTER INSERT ON document_shared_{{number}}
    FOR EACH ROW WHEN (hashint8(NEW.id) & {COUNTED - 1} = 0) EXECUTE FUNCTION document_crowded();
"""
TABLE = """
CREATE OR REPLACE FUNCTION document_table(place bigint) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN place < 0 THEN 'document_shared_' || -place ELSE 'document_' || place END;
"""
# The lock on the rows is one on their table, too: from then on they stay where they are.
LOCKED = """
        LOOP
            EXECUTE format($lock$
                SELECT 1 FROM %I target
                WHERE target.id IN (SELECT content_object_id FROM changed)
                AND target.collection_id = $1 ORDER BY target.id FOR NO KEY UPDATE
            $lock$, document_table(owner.place)) USING owner.id;
            SELECT c.place INTO home FROM document_collection c WHERE c.id = owner.id;
            EXIT WHEN NOT FOUND OR home = owner.place;
            owner.place := home;
        END LOOP;
"""
_OLD: str = import_module("documents.migrations.0004_compile_permissions_by_triggers").DOCUMENT


def compiling() -> str:
    """The function that compiles grants, on documents wherever they are."""
    head, rest = _OLD.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").split(
        "        EXECUTE format($lock$", 1
    )
    _, rest = rest.split("USING owner.id;\n", 1)
    whole = head + LOCKED.lstrip("\n") + rest
    return (
        whole.replace("    owner record;\n", "    owner record;\n    home bigint;\n")
        .replace("SELECT c.id, c.project_id FROM", "SELECT c.id, c.project_id, c.place FROM")
        .replace("to_regclass('document_' || c.id)", "to_regclass(document_table(c.place))")
        .replace("'document_' || owner.id", "document_table(owner.place)")
    )


HAS_PLACE = """
    SELECT EXISTS (SELECT FROM pg_attribute
        WHERE attrelid = 'document'::regclass AND attname = 'place')
"""
REMAINING = """
    SELECT c.relname, i.inhdetachpending FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass('document_by_collection')
    ORDER BY i.inhdetachpending DESC, c.oid LIMIT %s
"""
FINISH = "ALTER TABLE document_by_collection DETACH PARTITION {name} FINALIZE"
TAKE = """
ALTER TABLE document_by_collection DETACH PARTITION {name};
ALTER TABLE {name} ADD COLUMN place bigint NOT NULL DEFAULT {number};
ALTER TABLE document ATTACH PARTITION {name} FOR VALUES IN ({number});
"""


def repartition(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    """Give every collection the place of the partition that it has, and make the shared ones.

    In pieces: done once more after an interruption, it goes on.
    """
    with editor.connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        try:
            begin(cursor)
            while take_some(cursor):
                pass
            cursor.execute("DROP TABLE IF EXISTS document_by_collection")
        finally:
            cursor.execute("RESET statement_timeout; RESET lock_timeout")


@transaction.atomic
def begin(cursor: Any) -> None:
    cursor.execute(HAS_PLACE)
    if cursor.fetchone()[0]:
        return
    cursor.execute(PARENT + TABLE + CROWDED)
    for number in range(1, SHARED + 1):
        cursor.execute(SHARED_PARTITION.format(number=number))
    cursor.execute(compiling())


def take_some(cursor: Any) -> bool:
    cursor.execute(REMAINING, [BATCH])
    found = cursor.fetchall()
    with transaction.atomic():
        for name, is_pending in found:
            # One on its way out belongs to a deleted collection, whose sweep does the rest.
            text = FINISH if is_pending else TAKE
            cursor.execute(text.format(name=name, number=name.removeprefix("document_")))
    return bool(found)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("documents", "0014_keep_answers"), ("kernel", "__first__")]

    operations = [
        migrations.RunPython(repartition),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField(
                    "collection",
                    "place",
                    models.BigIntegerField(
                        default=documents.partitions.shared_place, editable=False
                    ),
                ),
                migrations.AddField(
                    "document",
                    "place",
                    documents.models.PlaceOfDocumentField(editable=False),
                ),
                migrations.RemoveConstraint("document", "document_uid"),
                migrations.RemoveIndex("document", "document_read_roles"),
            ],
        ),
    ]
