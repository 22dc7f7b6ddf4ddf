import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    initial = True

    dependencies = [("projects", "__first__")]

    operations = [
        migrations.CreateModel(
            name="Database",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("uid", models.CharField(max_length=36)),
                ("name", models.CharField(max_length=128)),
                ("description", models.CharField(blank=True, default="", max_length=2048)),
                ("type", models.CharField(max_length=16)),
                ("is_enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(db_default=Now())),
                ("updated_at", models.DateTimeField(db_default=Now())),
                ("deleted_at", models.DateTimeField(editable=False, null=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="databases",
                        to="projects.project",
                    ),
                ),
            ],
            options={
                "db_table": "document_database",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)),
                        fields=("project", "uid"),
                        name="document_database_uid",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Collection",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("uid", models.CharField(max_length=36)),
                ("name", models.CharField(max_length=128)),
                ("description", models.CharField(blank=True, default="", max_length=2048)),
                ("is_enabled", models.BooleanField(default=True)),
                ("has_document_security", models.BooleanField(default=False)),
                (
                    "permissions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
                    ),
                ),
                ("attributes", models.JSONField(blank=True, default=list)),
                ("indexes", models.JSONField(blank=True, default=list)),
                ("has_retired_names", models.BooleanField(default=False, editable=False)),
                ("version", models.BigIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(db_default=Now())),
                ("updated_at", models.DateTimeField(db_default=Now())),
                ("deleted_at", models.DateTimeField(editable=False, null=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="collections",
                        to="projects.project",
                    ),
                ),
                (
                    "database",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="collections",
                        to="documents.database",
                    ),
                ),
            ],
            options={
                "db_table": "document_collection",
                "default_permissions": (),
                "permissions": [
                    ("read_collection", "read"),
                    ("create_collection", "create"),
                    ("update_collection", "update"),
                    ("delete_collection", "delete"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)),
                        fields=("database", "uid"),
                        name="document_collection_uid",
                    )
                ],
            },
        ),
    ]
