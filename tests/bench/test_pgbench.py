import pytest
from django.db import connection

from bench import pgbench
from bench.requests import Request, Workload
from bench.statements import Traffic

VALUE = "123456789"
ITEM = Request("GET", "/item")


def written(*statements, workload=None):
    traffic = Traffic(statements=1, round_trips=1, sql=statements, document_id="d0", value=VALUE)
    return pgbench.script(workload or Workload("get", [ITEM] * 50, "'d' || :n::int"), traffic)


def test_the_document_is_a_random_one():
    assert written("SELECT 1 WHERE uid = 'd0'") == (
        "\\set n random(0, 49)\n"
        "\\set fresh random(100000000, 999999999)\n"
        "SELECT 1 WHERE uid = ('d' || :n::int);\n"
    )


def test_other_texts_that_hold_the_id_stay():
    assert "'documents.d0.create'" in written("SELECT 'documents.d0.create'")


def test_without_an_id_nothing_is_replaced():
    assert "'d0'" in written("SELECT 'd0'", workload=Workload("list", [ITEM]))


def test_each_statement_is_one_line():
    assert written("SELECT 1,\n  2", "COMMIT").splitlines()[2:] == ["SELECT 1,   2;", "COMMIT;"]


def test_the_server_is_not_woken():
    assert "pg_notify('bench_news'" in written("SELECT pg_notify('news', 'x')")


@pytest.mark.db
@pytest.mark.django_db
@pytest.mark.parametrize(
    "literal",
    [
        "'user:bench'",
        "'it''s user:bench'",
        r" E'a\\b\'c user:bench'",
        r"'C:\dir:bench'",
        "'{\"a:b\": 1}'",
    ],
)
def test_literals_lose_their_colons_and_keep_their_value(literal):
    changed = written(f"SELECT {literal}::text").splitlines()[2]
    assert changed.replace("::", "").count(":") == 0
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {literal}::text")
        expected = cursor.fetchone()
        cursor.execute(changed)
        assert cursor.fetchone() == expected


def test_casts_keep_their_colons():
    assert "SELECT 1::int, 'a'::text;" in written("SELECT 1::int, 'a'::text")


@pytest.mark.db
@pytest.mark.django_db
@pytest.mark.parametrize("literal", ['\'{{"title": "T {0}"}}\'', ' E\'{{"a": "\\\\\\\\{0}:"}}\''])
def test_each_run_writes_a_value_of_its_own(literal):
    changed = written(f"SELECT {literal.format(VALUE)}::jsonb").splitlines()[2]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {literal.format(987654321)}::jsonb")
        expected = cursor.fetchone()
        cursor.execute(changed.replace(":fresh", "987654321"))
        assert cursor.fetchone() == expected
