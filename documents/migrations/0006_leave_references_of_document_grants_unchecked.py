import django.db.models.deletion
from django.db import migrations, models


def reference(name: str, to: str) -> migrations.AlterField:
    field = models.ForeignKey(
        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to=to
    )
    return migrations.AlterField("documentgroupobjectpermission", name, field)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("documents", "0005_do_update_operators"),
    ]

    operations = [reference("group", "auth.group"), reference("permission", "auth.permission")]
