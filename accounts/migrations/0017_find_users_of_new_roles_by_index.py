from importlib import import_module

from django.db import migrations

# New roles come by the thousand when documents of many owners are imported. The database knows
# nothing of how many, and would rather read all users: of a part with a limit it makes no join.

JOINED = """
    JOIN account u ON u.project_id = r.project_id AND u.uid = substr(r.role, 6)
"""
FOUND = """
    CROSS JOIN LATERAL (
        SELECT id FROM account WHERE project_id = r.project_id AND uid = substr(r.role, 6) LIMIT 1
    ) AS u
"""
BEGIN, END = "CREATE FUNCTION account_fill_role_groups", "END $$;"
CREATED = import_module("accounts.migrations.0002_keep_groups_in_step").CREATE
BODY = CREATED[CREATED.index(BEGIN) :].partition(END)[0] + END
OLD = BODY.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0016_keep_codes_that_servers_deliver")]

    operations = [migrations.RunSQL(OLD.replace(JOINED, FOUND), OLD)]
