from django.db import migrations

# One row for each transaction that touched the documents of a collection, whoever wrote them. What
# was counted under a snapshot still holds where none of these came since (`documents.store.totals`).
# Rows below the one of collection 0 have been swept.
CREATE = """
CREATE TABLE document_change (
    collection_id bigint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (collection_id, xid)
);
INSERT INTO document_change (collection_id) VALUES (0);
CREATE FUNCTION document_note_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO document_change (collection_id)
    VALUES (coalesce(NEW.collection_id, OLD.collection_id)) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$body$;
CREATE TRIGGER document_changed AFTER INSERT OR UPDATE OR DELETE ON document
    FOR EACH ROW EXECUTE FUNCTION document_note_change();
"""
DROP = """
DROP TRIGGER document_changed ON document;
DROP FUNCTION document_note_change();
DROP TABLE document_change;
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0009_add_links_between_documents")]

    operations = [migrations.RunSQL(CREATE, DROP)]
