from django.db import migrations

# The compiled form of one object's grants: group rows in their order, then user rows in theirs,
# each text once. Roles and users of other projects do not count.
GRANTED = """
    SELECT DISTINCT ON (texts.text) texts.text, texts.role, texts.action, texts.kind, texts.id
    FROM (
        SELECT format('%%s("%%s")', split_part(p.codename, '_', 1), r.role) AS text, r.role::text,
               split_part(p.codename, '_', 1) AS action, 1 AS kind, g.id
        FROM {table}_group_grant g
        JOIN auth_permission p ON p.id = g.permission_id
        JOIN role r ON r.group_id = g.group_id
        WHERE g.content_object_id = target.id AND r.project_id = {project}
        UNION ALL
        SELECT format('%%s("user:%%s")', split_part(p.codename, '_', 1), a.uid), 'user:' || a.uid,
               split_part(p.codename, '_', 1), 2, u.id
        FROM {table}_user_grant u
        JOIN auth_permission p ON p.id = u.permission_id
        JOIN account a ON a.id = u.user_id
        WHERE u.content_object_id = target.id AND a.project_id = {project}
    ) texts
    ORDER BY texts.text, texts.kind, texts.id
"""
# A statement that writes the compiled form itself, as the one that makes a document, sets
# `appwrite.compiled` to "on" for its transaction. That holds for one statement on the grants.
SKIPPED = """
CREATE FUNCTION document_grants_are_compiled() RETURNS boolean LANGUAGE plpgsql AS $body$
BEGIN
    IF current_setting('appwrite.compiled', true) IS DISTINCT FROM 'on' THEN
        RETURN false;
    END IF;
    PERFORM set_config('appwrite.compiled', 'off', true);
    RETURN true;
END
$body$;
"""
# The rows are locked first, by a statement of their own: the one that compiles then sees every
# grant that was committed while it waited.
COLLECTION = f"""
CREATE FUNCTION document_collection_compile_grants() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF document_grants_are_compiled() THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM document_collection target
    WHERE target.id IN (SELECT content_object_id FROM changed)
    ORDER BY target.id FOR NO KEY UPDATE;
    UPDATE document_collection target
    SET permissions = compiled.permissions, version = target.version + 1
    FROM (
        SELECT target.id, coalesce(
            (SELECT array_agg(granted.text ORDER BY granted.kind, granted.id)
             FROM ({GRANTED.format(table="document_collection", project="target.project_id")}
             ) granted), '{{}}') AS permissions
        FROM document_collection target
        WHERE target.id IN (SELECT content_object_id FROM changed)
    ) compiled
    WHERE target.id = compiled.id AND target.permissions IS DISTINCT FROM compiled.permissions;
    RETURN NULL;
END
$body$;
"""
DOCUMENT = f"""
CREATE FUNCTION document_compile_grants() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    owner record;
BEGIN
    IF document_grants_are_compiled() THEN
        RETURN NULL;
    END IF;
    FOR owner IN
        SELECT c.id, c.project_id FROM document_collection c
        WHERE c.id IN (SELECT collection_id FROM changed)
        AND to_regclass('document_' || c.id) IS NOT NULL
    LOOP
        EXECUTE format($lock$
            SELECT 1 FROM %I target
            WHERE target.id IN (SELECT content_object_id FROM changed)
            AND target.collection_id = $1 ORDER BY target.id FOR NO KEY UPDATE
        $lock$, 'document_' || owner.id) USING owner.id;
        EXECUTE format($update$
            UPDATE %1$I target
            SET permissions = compiled.permissions, read_roles = compiled.read_roles
            FROM (
                SELECT target.id, coalesce(found.permissions, '{{}}') AS permissions,
                       coalesce(found.read_roles, '{{}}') AS read_roles
                FROM %1$I target
                CROSS JOIN LATERAL (
                    SELECT array_agg(granted.text ORDER BY granted.kind, granted.id)
                               AS permissions,
                           array_agg(granted.role ORDER BY granted.kind, granted.id)
                               FILTER (WHERE granted.action = 'read') AS read_roles
                    FROM ({GRANTED.format(table="document", project="$1")}) granted
                ) found
                WHERE target.id IN (SELECT content_object_id FROM changed)
                AND target.collection_id = $2
            ) compiled
            WHERE target.id = compiled.id AND target.collection_id = $2
            AND (target.permissions, target.read_roles)
                IS DISTINCT FROM (compiled.permissions, compiled.read_roles)
        $update$, 'document_' || owner.id) USING owner.project_id, owner.id;
    END LOOP;
    RETURN NULL;
END
$body$;
"""
TABLES = {
    "document_collection_user_grant": "document_collection_compile_grants",
    "document_collection_group_grant": "document_collection_compile_grants",
    "document_user_grant": "document_compile_grants",
    "document_group_grant": "document_compile_grants",
}
# An UPDATE of a grant moves it: what it was on and what it is on are two statements' worth.
EVENTS = {
    "insert": ("INSERT", "NEW"),
    "delete": ("DELETE", "OLD"),
    "update_from": ("UPDATE", "OLD"),
    "update_to": ("UPDATE", "NEW"),
}


def triggers() -> list[str]:
    return [
        f"CREATE TRIGGER {table}_{name} AFTER {event} ON {table}"
        f" REFERENCING {side} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {function}();"
        for table, function in TABLES.items()
        for name, (event, side) in EVENTS.items()
    ]


def no_triggers() -> list[str]:
    return [f"DROP TRIGGER {table}_{name} ON {table};" for table in TABLES for name in EVENTS]


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "__first__"),
        ("documents", "0003_create_object_permissions"),
    ]

    operations = [
        migrations.RunSQL(SKIPPED, "DROP FUNCTION document_grants_are_compiled();"),
        migrations.RunSQL(
            COLLECTION.replace("%%", "%"), "DROP FUNCTION document_collection_compile_grants();"
        ),
        migrations.RunSQL(DOCUMENT, "DROP FUNCTION document_compile_grants();"),
        migrations.RunSQL("\n".join(triggers()), "\n".join(no_triggers())),
    ]
