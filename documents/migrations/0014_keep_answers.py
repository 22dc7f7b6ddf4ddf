from django.db import migrations

# Answers to listings for a while (`documents.store.answers`): nothing is lost with them, so a crash
# may empty the table, and nothing of it is written to the log.
CREATE = """
CREATE UNLOGGED TABLE document_answer (
    place integer PRIMARY KEY,
    key bytea NOT NULL,
    collection_id bigint NOT NULL,
    kept_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    documents bigint[] NOT NULL,
    answer bytea NOT NULL
);
"""
DROP = "DROP TABLE document_answer;"


class Migration(migrations.Migration):
    dependencies = [("documents", "0013_keep_free_fields")]

    operations = [migrations.RunSQL(CREATE, DROP)]
