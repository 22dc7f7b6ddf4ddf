from django.db import migrations

# The address and the number of every user are targets, whoever writes them, and follow them as
# they change; a target of a device goes with its session, whoever ends that. A user who comes with
# an address that is somebody's target already has none of their own for it.

CREATE = """
ALTER TABLE target ADD CONSTRAINT target_session
    FOREIGN KEY (session_id) REFERENCES session (id) ON DELETE CASCADE;

CREATE FUNCTION account_new_target_uid() RETURNS text
LANGUAGE sql VOLATILE AS $$
    SELECT left(replace(gen_random_uuid()::text, '-', ''), 20)
$$;

CREATE FUNCTION account_add_targets() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO target (project_id, user_id, uid, provider_type, identifier, created_at, updated_at)
    SELECT u.project_id, u.id, account_new_target_uid(), contact.type, contact.identifier,
        u.created_at, u.created_at
    FROM added u
    CROSS JOIN LATERAL (VALUES ('email', u.email), ('sms', u.phone)) AS contact (type, identifier)
    WHERE contact.identifier IS NOT NULL AND u.deleted_at IS NULL
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE FUNCTION account_move_target(
    owner account, kind text, was text, becomes text
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF was IS NOT DISTINCT FROM becomes THEN
        RETURN;
    END IF;
    IF becomes IS NULL THEN
        DELETE FROM target
        WHERE user_id = owner.id AND provider_type = kind AND identifier = was;
        RETURN;
    END IF;
    UPDATE target SET identifier = becomes, is_expired = false, updated_at = owner.updated_at
    WHERE user_id = owner.id AND provider_type = kind AND identifier = was;
    IF NOT FOUND THEN
        INSERT INTO target
            (project_id, user_id, uid, provider_type, identifier, created_at, updated_at)
        VALUES (owner.project_id, owner.id, account_new_target_uid(), kind, becomes,
            owner.updated_at, owner.updated_at);
    END IF;
END $$;

CREATE FUNCTION account_move_targets() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM account_move_target(NEW, 'email', OLD.email, NEW.email);
    PERFORM account_move_target(NEW, 'sms', OLD.phone, NEW.phone);
    RETURN NULL;
END $$;

CREATE TRIGGER account_reachable AFTER INSERT ON account
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION account_add_targets();
CREATE TRIGGER account_moved AFTER UPDATE OF email, phone ON account
    FOR EACH ROW
    WHEN ((OLD.email, OLD.phone) IS DISTINCT FROM (NEW.email, NEW.phone))
    EXECUTE FUNCTION account_move_targets();

INSERT INTO target (project_id, user_id, uid, provider_type, identifier, created_at, updated_at)
SELECT u.project_id, u.id, account_new_target_uid(), contact.type, contact.identifier,
    u.created_at, u.created_at
FROM account u
CROSS JOIN LATERAL (VALUES ('email', u.email), ('sms', u.phone)) AS contact (type, identifier)
WHERE contact.identifier IS NOT NULL AND u.deleted_at IS NULL
ON CONFLICT DO NOTHING;
"""

DROP = """
DROP TRIGGER account_moved ON account;
DROP TRIGGER account_reachable ON account;
DROP FUNCTION account_move_targets();
DROP FUNCTION account_move_target(account, text, text, text);
DROP FUNCTION account_add_targets();
DROP FUNCTION account_new_target_uid();
ALTER TABLE target DROP CONSTRAINT target_session;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_add_targets")]

    operations = [migrations.RunSQL(CREATE, DROP)]
