import django.contrib.postgres.fields
import django.db.models.deletion
from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models
from django.db.models.functions import Now

# A plain sequence and not an identity column: partitions inherit its default on every version of
# PostgreSQL, while identity columns reach partitions from version 17 on only.
CREATE = """
CREATE SEQUENCE document_id_seq AS bigint;
CREATE TABLE document (
    id bigint NOT NULL DEFAULT nextval('document_id_seq'),
    collection_id bigint NOT NULL,
    uid varchar(36) COLLATE "C" NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    permissions text[] NOT NULL DEFAULT '{}',
    read_roles text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    PRIMARY KEY (collection_id, id),
    CONSTRAINT document_uid UNIQUE (collection_id, uid)
) PARTITION BY LIST (collection_id);
ALTER SEQUENCE document_id_seq OWNED BY document.id;
CREATE INDEX document_read_roles ON document USING gin (read_roles);
"""
DROP = "DROP TABLE document;"


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_create_databases_and_collections")]

    operations = [
        migrations.RunSQL(
            CREATE,
            DROP,
            state_operations=[
                migrations.CreateModel(
                    name="Document",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("uid", models.CharField(db_collation="C", max_length=36)),
                        ("data", models.JSONField(default=dict)),
                        (
                            "permissions",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.TextField(), blank=True, default=list, size=None
                            ),
                        ),
                        (
                            "read_roles",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.TextField(),
                                blank=True,
                                default=list,
                                editable=False,
                                size=None,
                            ),
                        ),
                        ("created_at", models.DateTimeField(db_default=Now())),
                        ("updated_at", models.DateTimeField(db_default=Now())),
                        (
                            "collection",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="documents",
                                to="documents.collection",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "document",
                        "default_permissions": (),
                        "permissions": [
                            ("read_document", "read"),
                            ("update_document", "update"),
                            ("delete_document", "delete"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("collection", "uid"), name="document_uid"
                            )
                        ],
                        "indexes": [GinIndex(fields=["read_roles"], name="document_read_roles")],
                    },
                ),
            ],
        ),
    ]
