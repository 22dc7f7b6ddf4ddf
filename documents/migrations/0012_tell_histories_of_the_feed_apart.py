from django.db import migrations

# One row for each run of the database server that the change feed has seen. The random token is in
# every cursor: after a backup was restored, the rows tell which cursors know what never happened
# (`documents.store.epochs`).
CREATE = """
CREATE TABLE document_epoch (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    origin text NOT NULL,
    run text NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    event_id bigint NOT NULL
);
"""
DROP = "DROP TABLE document_epoch"


class Migration(migrations.Migration):
    dependencies = [("documents", "0011_relate_geometries")]

    operations = [migrations.RunSQL(CREATE, DROP)]
