from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import documents.models


def grant(
    holder: str, to: str, target: str, options: dict[str, Any]
) -> list[tuple[str, Any]]:
    """The fields of one of guardian's direct models."""
    return [
        ("id", models.BigAutoField(primary_key=True, serialize=False)),
        (
            holder,
            models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, to=to
            ),
        ),
        (
            "permission",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="auth.permission",
            ),
        ),
        ("content_object", models.ForeignKey(db_index=False, to=target, **options)),
    ]


def meta(table: str, holder: str, unique: str, index: str) -> dict[str, Any]:
    return {
        "db_table": table,
        "default_permissions": (),
        "constraints": [
            models.UniqueConstraint(fields=("content_object", "permission", holder), name=unique)
        ],
        "indexes": [models.Index(fields=[holder, "permission"], name=index)],
    }


ON_COLLECTION: dict[str, Any] = {"on_delete": django.db.models.deletion.CASCADE}
ON_DOCUMENT: dict[str, Any] = {"on_delete": django.db.models.deletion.DO_NOTHING, "db_constraint": False}


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("documents", "0002_create_documents_partitioned_by_collection"),
    ]

    operations = [
        migrations.CreateModel(
            name="CollectionUserObjectPermission",
            fields=grant("user", settings.AUTH_USER_MODEL, "documents.collection", ON_COLLECTION),
            options=meta(
                "document_collection_user_grant",
                "user",
                "collection_user_grant",
                "collection_user_grant_user",
            ),
        ),
        migrations.CreateModel(
            name="CollectionGroupObjectPermission",
            fields=grant("group", "auth.group", "documents.collection", ON_COLLECTION),
            options=meta(
                "document_collection_group_grant",
                "group",
                "collection_group_grant",
                "collection_group_grant_group",
            ),
        ),
        migrations.CreateModel(
            name="DocumentUserObjectPermission",
            fields=[
                *grant("user", settings.AUTH_USER_MODEL, "documents.document", ON_DOCUMENT),
                ("collection_id", documents.models.CollectionOfDocumentField(editable=False)),
            ],
            options=meta(
                "document_user_grant",
                "user",
                "document_user_grant_row",
                "document_user_grant_user",
            ),
        ),
        migrations.CreateModel(
            name="DocumentGroupObjectPermission",
            fields=[
                *grant("group", "auth.group", "documents.document", ON_DOCUMENT),
                ("collection_id", documents.models.CollectionOfDocumentField(editable=False)),
            ],
            options=meta(
                "document_group_grant",
                "group",
                "document_group_grant_row",
                "document_group_grant_group",
            ),
        ),
    ]
