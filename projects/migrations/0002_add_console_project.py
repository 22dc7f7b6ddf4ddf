from typing import Any

from django.db import migrations


def add_console_project(apps: Any, schema_editor: Any) -> None:
    """Every installation has one: its users open the console and own the other projects."""
    project = apps.get_model("projects", "Project")
    project.objects.get_or_create(uid="console", defaults={"name": "Console"})


class Migration(migrations.Migration):

    dependencies = [
        ("projects", "0001_create_projects_keys_and_platforms"),
    ]

    operations = [
        # Backwards the table goes with everything in it, so there is nothing to take back.
        migrations.RunPython(add_console_project, migrations.RunPython.noop),
    ]
