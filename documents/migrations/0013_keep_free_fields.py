from importlib import import_module

from django.db import migrations, models

# The place of a value in an order of all values: texts, numbers, truth values, then lists and
# objects, which are told apart but come in no order of meaning. Null has none. It is of a type of
# its own, since the database compares JSON's texts by its locale.
RANKED = """
CREATE TYPE document_rank AS (kind smallint, number numeric, text text COLLATE "C");
CREATE FUNCTION document_ranked(value jsonb) RETURNS document_rank
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value)
    WHEN 'string' THEN ROW(1, NULL, value #>> '{}')::document_rank
    WHEN 'number' THEN ROW(2, value::numeric, NULL)::document_rank
    WHEN 'boolean' THEN ROW(3, value::boolean::int, NULL)::document_rank
    WHEN 'array' THEN ROW(4, NULL, md5(value::text))::document_rank
    WHEN 'object' THEN ROW(5, NULL, md5(value::text))::document_rank
END;
CREATE FUNCTION document_rank_end(value jsonb, step int) RETURNS document_rank
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ROW((document_ranked(value)).kind + step, NULL, NULL)::document_rank;
"""
# The free fields of a row by key, and a row as long as they are not too many, nor too large.
FIELDS = """
CREATE FUNCTION document_fields(data jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT coalesce(jsonb_object_agg(substr(key, 2), value), '{}')
    FROM jsonb_each(data) WHERE starts_with(key, ':')
);
CREATE FUNCTION document_limited(data jsonb, most_bytes bigint, most bigint) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT CASE
        WHEN count(*) > most THEN '{"$fault": "fields:count"}'
        WHEN sum(octet_length(key) - 1 + octet_length(value::text)) > most_bytes
        THEN '{"$fault": "fields:bytes"}'
        ELSE data END
    FROM jsonb_each(data) WHERE starts_with(key, ':')
);
"""
# An operator on a free field says what that has to hold, and adds whole numbers to a whole one.
HELD = """
    IF jsonb_typeof(stored) <> operation ->> 'holds' THEN
        fault := 'type';
        RETURN;
    ELSIF operation ->> 'holds' = 'number' THEN
        number := coalesce(stored #>> '{}', '0')::numeric;
        operation := operation || jsonb_build_object('whole', number = trunc(number)
            AND method IN ('increment', 'decrement', 'step', 'multiply', 'modulo')
            AND (operation ->> 'by')::numeric = trunc((operation ->> 'by')::numeric));
    END IF;
"""
OLD = import_module("documents.migrations.0005_do_update_operators").ONE
REPLACED = OLD.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
NEW = REPLACED.replace("    moment timestamp;\n", "    moment timestamp;\n    number numeric;\n").replace(
    "BEGIN\n", f"BEGIN{HELD}", 1
)


class Migration(migrations.Migration):
    dependencies = [("documents", "0012_tell_histories_of_the_feed_apart")]

    operations = [
        migrations.AddField(
            "collection", "is_schemaless", models.BooleanField(default=False, db_default=False)
        ),
        migrations.AddField(
            "collection",
            "has_free_fields",
            models.BooleanField(default=False, db_default=False, editable=False),
        ),
        migrations.RunSQL(
            RANKED,
            "DROP FUNCTION document_rank_end(jsonb, int), document_ranked(jsonb);"
            "DROP TYPE document_rank;",
        ),
        migrations.RunSQL(
            FIELDS,
            "DROP FUNCTION document_limited(jsonb, bigint, bigint), document_fields(jsonb);",
        ),
        migrations.RunSQL(NEW, REPLACED),
    ]
