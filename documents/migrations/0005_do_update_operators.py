from django.db import migrations

# What update operators do to the stored value of an attribute, `operation` being the arguments that
# `documents.operators` has checked. The value is null where there is none; a fault says why the
# stored value does not allow the operation.
NUMBER = """
CREATE FUNCTION document_operate_number(stored jsonb, operation jsonb, OUT value jsonb, OUT fault text)
LANGUAGE plpgsql IMMUTABLE AS $body$
DECLARE
    method text := operation ->> 'method';
    number numeric := coalesce(stored #>> '{}', '0')::numeric;
    operand numeric := (operation ->> 'by')::numeric;
    bound numeric := (operation ->> 'bound')::numeric;
    growth numeric;
BEGIN
    CASE method
        WHEN 'increment', 'step' THEN number := number + operand;
        WHEN 'decrement' THEN number := number - operand;
        WHEN 'multiply' THEN number := number * operand;
        WHEN 'divide' THEN number := number / operand;
        WHEN 'modulo' THEN number := mod(number, operand);
        WHEN 'power' THEN
            -- What no float can hold is not worked out, for that might take long.
            growth := CASE WHEN number <> 0 THEN operand * ln(abs(number)) END;
            number := CASE
                WHEN number = 0 AND operand < 0 THEN NULL
                WHEN number < 0 AND operand <> trunc(operand) THEN NULL
                WHEN growth > 720 THEN CASE WHEN number > 0 THEN 1e309 END
                WHEN growth < -720 THEN 0
                ELSE power(number, operand) END;
    END CASE;
    IF method = 'step' THEN
        IF (operand > 0 AND number > bound) OR (operand < 0 AND number < bound) THEN
            fault := 'bound';
            RETURN;
        END IF;
    ELSIF number IS NOT NULL AND bound IS NOT NULL THEN
        number := CASE WHEN method IN ('decrement', 'divide')
            THEN greatest(number, bound) ELSE least(number, bound) END;
    END IF;
    IF (operation ->> 'whole')::boolean THEN
        number := round(number);
    END IF;
    IF number IS NULL OR number NOT BETWEEN
        (operation ->> 'low')::numeric AND (operation ->> 'high')::numeric
    THEN
        fault := 'range';
    ELSIF (operation ->> 'whole')::boolean THEN
        value := to_jsonb(number);
    ELSE
        value := to_jsonb((CASE WHEN abs(number) < 1e-307 THEN 0 ELSE number END)::float8);
    END IF;
END
$body$;
"""
TEXT = """
CREATE FUNCTION document_operate_text(stored jsonb, operation jsonb, OUT value jsonb, OUT fault text)
LANGUAGE plpgsql IMMUTABLE AS $body$
DECLARE
    text text := stored #>> '{}';
    first text := operation -> 'texts' ->> 0;
    second text := operation -> 'texts' ->> 1;
    most_bytes bigint := (operation ->> 'most_bytes')::bigint;
    found bigint;
    length bigint;
BEGIN
    IF operation ->> 'method' = 'stringConcat' THEN
        text := coalesce(text, '') || first;
    ELSIF text IS NOT NULL AND first <> '' THEN
        -- Short texts for long ones in a long text: how long it would get is known beforehand.
        found := (octet_length(text) - octet_length(replace(text, first, ''))) / octet_length(first);
        IF octet_length(text) + found * (octet_length(second) - octet_length(first)) > most_bytes THEN
            fault := 'length';
            RETURN;
        END IF;
        text := replace(text, first, second);
    END IF;
    length := CASE WHEN (operation ->> 'in_bytes')::boolean
        THEN octet_length(text) ELSE char_length(text) END;
    IF octet_length(text) > most_bytes OR length > (operation ->> 'size')::bigint THEN
        fault := 'length';
    ELSE
        value := to_jsonb(text);
    END IF;
END
$body$;
"""
ARRAY = """
CREATE FUNCTION document_item_fits(item jsonb, condition text, operand jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $body$
    SELECT CASE
        WHEN condition = 'isNull' THEN jsonb_typeof(item) = 'null'
        WHEN condition = 'isNotNull' THEN jsonb_typeof(item) <> 'null'
        WHEN jsonb_typeof(item) IS DISTINCT FROM jsonb_typeof(operand) THEN condition = 'notEqual'
        ELSE CASE condition
            WHEN 'equal' THEN sign = 0
            WHEN 'notEqual' THEN sign <> 0
            WHEN 'greaterThan' THEN sign > 0
            WHEN 'greaterThanEqual' THEN sign >= 0
            WHEN 'lessThan' THEN sign < 0
            WHEN 'lessThanEqual' THEN sign <= 0
        END
    END
    FROM (SELECT CASE
        WHEN item = operand THEN 0
        WHEN jsonb_typeof(item) = 'string' THEN CASE
            WHEN (item #>> '{}') COLLATE "C" > (operand #>> '{}') COLLATE "C" THEN 1 ELSE -1 END
        WHEN item > operand THEN 1
        ELSE -1 END AS sign) AS compared
$body$;

CREATE FUNCTION document_operate_array(stored jsonb, operation jsonb, OUT value jsonb, OUT fault text)
LANGUAGE plpgsql IMMUTABLE AS $body$
DECLARE
    list jsonb := coalesce(NULLIF(stored, 'null'::jsonb), '[]'::jsonb);
    items jsonb := operation -> 'items';
    place int := (operation ->> 'index')::int;
BEGIN
    CASE operation ->> 'method'
        WHEN 'arrayAppend' THEN value := list || items;
        WHEN 'arrayPrepend' THEN value := items || list;
        WHEN 'arrayInsert' THEN
            IF place > jsonb_array_length(list) THEN
                fault := 'place';
                RETURN;
            ELSIF place = jsonb_array_length(list) THEN
                value := list || items;
            ELSE
                value := jsonb_insert(list, ARRAY[place::text], items -> 0);
            END IF;
        WHEN 'arrayRemove', 'arrayDiff' THEN
            SELECT jsonb_agg(a.item ORDER BY a.n) INTO value
            FROM jsonb_array_elements(list) WITH ORDINALITY AS a (item, n)
            WHERE a.item NOT IN (SELECT jsonb_array_elements(items));
        WHEN 'arrayIntersect' THEN
            SELECT jsonb_agg(a.item ORDER BY a.n) INTO value
            FROM jsonb_array_elements(list) WITH ORDINALITY AS a (item, n)
            WHERE a.item IN (SELECT jsonb_array_elements(items));
        WHEN 'arrayUnique' THEN
            SELECT jsonb_agg(once.item ORDER BY once.n) INTO value FROM (
                SELECT a.item, min(a.n) AS n
                FROM jsonb_array_elements(list) WITH ORDINALITY AS a (item, n) GROUP BY a.item
            ) once;
        WHEN 'arrayFilter' THEN
            SELECT jsonb_agg(a.item ORDER BY a.n) INTO value
            FROM jsonb_array_elements(list) WITH ORDINALITY AS a (item, n)
            WHERE document_item_fits(a.item, operation ->> 'condition', operation -> 'value');
    END CASE;
    value := coalesce(value, '[]'::jsonb);
    IF jsonb_array_length(value) > (operation ->> 'most_items')::int THEN
        fault := 'items';
    END IF;
END
$body$;
"""
ONE = """
CREATE FUNCTION document_operate(stored jsonb, operation jsonb, OUT value jsonb, OUT fault text)
LANGUAGE plpgsql STABLE AS $body$
DECLARE
    method text := operation ->> 'method';
    moment timestamp;
BEGIN
    IF method LIKE 'array%' THEN
        SELECT * INTO value, fault FROM document_operate_array(stored, operation);
    ELSIF method LIKE 'string%' THEN
        SELECT * INTO value, fault FROM document_operate_text(stored, operation);
    ELSIF method = 'toggle' THEN
        value := to_jsonb(NOT coalesce((stored #>> '{}')::boolean, false));
    ELSIF method = 'dateSetNow' THEN
        value := operation -> 'now';
    ELSIF method LIKE 'date%' THEN
        moment := (stored #>> '{}')::timestamptz AT TIME ZONE 'UTC' + make_interval(
            days => (operation ->> 'days')::int * CASE method WHEN 'dateSubDays' THEN -1 ELSE 1 END);
        IF extract(year FROM moment) NOT BETWEEN 1000 AND 9999 THEN
            fault := 'range';
        ELSE
            value := to_jsonb(to_char(moment, 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"'));
        END IF;
    ELSE
        SELECT * INTO value, fault FROM document_operate_number(stored, operation);
    END IF;
END
$body$;
"""
# All operations of one change. Data that has the entry `$fault`, which no attribute can have, says
# the number of the first operation that the stored value does not allow, and why.
ALL = """
CREATE FUNCTION document_operated(data jsonb, operations jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $body$
DECLARE
    operation jsonb;
    number bigint;
    done record;
BEGIN
    FOR operation, number IN SELECT * FROM jsonb_array_elements(operations) WITH ORDINALITY LOOP
        SELECT * INTO done FROM document_operate(data -> (operation ->> 'name'), operation);
        IF done.fault IS NOT NULL THEN
            RETURN jsonb_build_object('$fault', format('%s:%s', number - 1, done.fault));
        ELSIF done.value IS NOT NULL THEN
            data := data || jsonb_build_object(operation ->> 'name', done.value);
        END IF;
    END LOOP;
    RETURN data;
END
$body$;
"""
FUNCTIONS = {
    "document_operate_number(jsonb, jsonb)": NUMBER,
    "document_operate_text(jsonb, jsonb)": TEXT,
    "document_item_fits(jsonb, text, jsonb), document_operate_array(jsonb, jsonb)": ARRAY,
    "document_operate(jsonb, jsonb)": ONE,
    "document_operated(jsonb, jsonb)": ALL,
}


class Migration(migrations.Migration):
    dependencies = [("documents", "0004_compile_permissions_by_triggers")]

    operations = [
        migrations.RunSQL(create, f"DROP FUNCTION {names};") for names, create in FUNCTIONS.items()
    ]
