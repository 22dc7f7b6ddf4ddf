from django.db import migrations

# Full text knows no language: a word is a word as it stands, in lower case. Marks end words, so
# that the parser takes no address, path or hyphenated word for a whole.
MARKS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" + "¡¿«»‘’‚“”„‹›…–—·、。「」『』，！？；：（）\u00a0\u3000"
PLAIN = f"translate(value, $marks${MARKS}$marks$, repeat(' ', {len(MARKS)}))"

CREATE = f"""
CREATE FUNCTION document_words(value text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_tsvector('simple', {PLAIN});

CREATE FUNCTION document_search(value text) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN value ~ '^".*"$' THEN phraseto_tsquery('simple', {PLAIN})
    ELSE to_tsquery('simple', coalesce((
        SELECT string_agg(quote_literal(word), ' | ') || ':*'
        FROM regexp_split_to_table({PLAIN}, '\\s+') AS word
        WHERE octet_length(word) BETWEEN 1 AND 2046  -- longer ones are in no index
    ), ''))
END;
"""
DROP = """
DROP FUNCTION document_search(text);
DROP FUNCTION document_words(text);
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0006_leave_references_of_document_grants_unchecked")]

    operations = [migrations.RunSQL(CREATE, DROP)]
