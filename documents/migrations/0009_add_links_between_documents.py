from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("documents", "0008_create_transactions")]

    operations = [
        migrations.AddField(
            model_name="collection",
            name="inbound",
            field=models.JSONField(blank=True, default=list, editable=False),
        ),
        migrations.CreateModel(
            name="DocumentLink",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("relation", models.BigIntegerField()),
                ("parent_id", models.BigIntegerField()),
                ("child_id", models.BigIntegerField()),
                ("has_one_parent", models.BooleanField()),
                ("has_one_child", models.BooleanField()),
            ],
            options={
                "db_table": "document_link",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        fields=["relation", "child_id", "parent_id"], name="document_link_back"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("relation", "parent_id", "child_id"), name="document_link_pair"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("has_one_parent", True)),
                        fields=("relation", "child_id"),
                        name="document_link_parent",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("has_one_child", True)),
                        fields=("relation", "parent_id"),
                        name="document_link_child",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            "CREATE SEQUENCE document_relation_seq AS bigint;",
            "DROP SEQUENCE document_relation_seq;",
        ),
    ]
