from django.db import migrations

# Users are in the groups of exactly those roles that name them, a team or a membership of theirs,
# whoever writes the tables. A new role locks its project alone and a change of its holders shares
# that lock, each before it looks at the other, so neither misses what the other is about to commit.

CREATE = """
CREATE FUNCTION account_role_lock(project bigint, is_alone boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF is_alone THEN
        PERFORM pg_advisory_xact_lock(1364676098, (project % 2147483647)::int);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(1364676098, (project % 2147483647)::int);
    END IF;
END $$;

CREATE FUNCTION account_fill_role_groups() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM account_role_lock(project_id, true)
    FROM (SELECT DISTINCT project_id FROM added ORDER BY project_id) AS touched;

    INSERT INTO account_groups (user_id, group_id)
    SELECT u.id, r.group_id FROM added r
    JOIN account u ON u.project_id = r.project_id AND u.uid = substr(r.role, 6)
    WHERE starts_with(r.role, 'user:')
    UNION
    SELECT m.user_id, r.group_id FROM added r
    JOIN team t ON t.project_id = r.project_id
        AND t.uid = split_part(substr(r.role, 6), '/', 1)
    JOIN membership m ON m.team_id = t.id AND m.is_confirmed
    WHERE starts_with(r.role, 'team:') AND (
        r.role = 'team:' || t.uid
        OR substr(r.role, length('team:' || t.uid || '/') + 1) = ANY(m.roles)
    )
    UNION
    SELECT m.user_id, r.group_id FROM added r
    JOIN membership m ON m.project_id = r.project_id AND m.uid = substr(r.role, 8)
    WHERE starts_with(r.role, 'member:') AND m.is_confirmed
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE FUNCTION account_fill_user_groups() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM account_role_lock(project_id, false)
    FROM (SELECT DISTINCT project_id FROM added ORDER BY project_id) AS touched;

    INSERT INTO account_groups (user_id, group_id)
    SELECT u.id, r.group_id FROM added u
    JOIN role r ON r.project_id = u.project_id AND r.role = 'user:' || u.uid
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE FUNCTION account_refill_groups(users bigint[]) RETURNS void
LANGUAGE sql AS $$
    WITH wanted AS MATERIALIZED (
        SELECT DISTINCT held.user_id, r.group_id
        FROM (
            SELECT u.id AS user_id, u.project_id, 'user:' || u.uid AS role
            FROM account u WHERE u.id = ANY(users)
            UNION ALL
            SELECT m.user_id, m.project_id, named.role
            FROM membership m
            JOIN account u ON u.id = m.user_id
            JOIN team t ON t.id = m.team_id
            CROSS JOIN LATERAL unnest(
                ARRAY['team:' || t.uid, 'member:' || m.uid]
                || ARRAY(SELECT 'team:' || t.uid || '/' || name FROM unnest(m.roles) AS name)
            ) AS named (role)
            WHERE m.user_id = ANY(users) AND m.is_confirmed
        ) AS held
        JOIN role r ON r.project_id = held.project_id AND r.role = held.role
    ), gone AS (
        DELETE FROM account_groups a USING role r
        WHERE a.user_id = ANY(users) AND r.group_id = a.group_id AND NOT EXISTS (
            SELECT 1 FROM wanted w WHERE w.user_id = a.user_id AND w.group_id = a.group_id
        )
    )
    INSERT INTO account_groups (user_id, group_id)
    SELECT user_id, group_id FROM wanted ON CONFLICT DO NOTHING;
$$;

CREATE FUNCTION account_follow_memberships() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM account_role_lock(project_id, false)
    FROM (SELECT DISTINCT project_id FROM touched ORDER BY project_id) AS projects;

    PERFORM account_refill_groups(ARRAY(SELECT DISTINCT user_id FROM touched));
    RETURN NULL;
END $$;

CREATE TRIGGER role_added AFTER INSERT ON role
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION account_fill_role_groups();
CREATE TRIGGER account_added AFTER INSERT ON account
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION account_fill_user_groups();
CREATE TRIGGER membership_added AFTER INSERT ON membership
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION account_follow_memberships();
CREATE TRIGGER membership_changed AFTER UPDATE ON membership
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION account_follow_memberships();
CREATE TRIGGER membership_removed AFTER DELETE ON membership
    REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION account_follow_memberships();
"""

DROP = """
DROP TRIGGER membership_removed ON membership;
DROP TRIGGER membership_changed ON membership;
DROP TRIGGER membership_added ON membership;
DROP TRIGGER account_added ON account;
DROP TRIGGER role_added ON role;
DROP FUNCTION account_follow_memberships();
DROP FUNCTION account_refill_groups(bigint[]);
DROP FUNCTION account_fill_user_groups();
DROP FUNCTION account_fill_role_groups();
DROP FUNCTION account_role_lock(bigint, boolean);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_create_users_sessions_teams_and_roles")]

    operations = [migrations.RunSQL(CREATE, DROP)]
