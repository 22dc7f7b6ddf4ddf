"""Numbered statements, which run without a cursor of the driver."""

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, DataError, OperationalError, connection, transaction
from django.db.utils import InternalError
from psycopg.errors import DivisionByZero

from kernel import sql

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]
DIVIDE = sql.numbered("SELECT 6 / %(by)s::int")
KEPT = "SELECT count(*)::int FROM pg_prepared_statements WHERE statement LIKE '%%6 / $1%%'"


@pytest.fixture(autouse=True)
def _fresh_connection():
    connection.close()
    yield
    connection.close()


def kept():
    ((number,),) = sql.fetch_all(KEPT)
    return number


def run_often(statement, values, times=7):
    return [sql.fetch_one(statement, values) for _ in range(times)]


def test_what_comes_often_is_prepared_and_answers_as_before():
    assert run_often(DIVIDE, {"by": 2}, 5) == [(3,)] * 5
    assert kept() == 0
    assert run_often(DIVIDE, {"by": 2}, 5) == [(3,)] * 5
    assert kept() == 1


def test_values_of_another_type_are_another_statement():
    statement = sql.numbered("SELECT %(it)s")
    moment = datetime(2026, 5, 4, 1, 2, 1, 123000, tzinfo=UTC)
    for it in (1, "one", True, None, 2**40, moment, 1.5):
        assert run_often(statement, {"it": it}) == [(it,)] * 7
    texts = ["a", "b,\\", ""]
    assert run_often(sql.numbered("SELECT %(it)s::text[]"), {"it": texts}) == [(texts,)] * 7


def test_what_the_driver_drops_is_prepared_anew():
    run_often(DIVIDE, {"by": 2})
    connection.connection.execute("CREATE TEMPORARY TABLE gone ()")
    connection.connection.execute("DROP TABLE gone")  # whereupon it drops all
    sql.fetch_one("SELECT 1")
    assert kept() == 0

    assert run_often(DIVIDE, {"by": 2}) == [(3,)] * 7
    assert kept() == 1


def test_rows_and_their_number():
    assert sql.fetch_all(sql.numbered("SELECT generate_series(1, %(to)s)"), {"to": 3}) == [
        (1,),
        (2,),
        (3,),
    ]
    assert sql.fetch_one(sql.numbered("SELECT 1 WHERE false"), {}) is None
    sql.execute("CREATE TEMPORARY TABLE counted (number int)")
    insert = sql.numbered("INSERT INTO counted SELECT generate_series(1, %(to)s)")
    assert sql.execute(insert, {"to": 4}) == 4


@pytest.mark.parametrize("times", [1, 7])
def test_a_refused_statement_spoils_none_after_it(times):
    run_often(DIVIDE, {"by": 2}, times)
    with pytest.raises(DataError) as caught:
        sql.fetch_one(DIVIDE, {"by": 0})

    assert isinstance(caught.value.__cause__, DivisionByZero)
    assert sql.fetch_one(DIVIDE, {"by": 3}) == (2,)


@pytest.mark.parametrize("change", [b"ALTER TABLE grown ADD other int", b"DEALLOCATE ALL"])
def test_what_was_prepared_for_another_schema_is_prepared_anew(change):
    statement = sql.numbered("SELECT * FROM grown WHERE %(it)s::int = 1")
    sql.execute("CREATE TEMPORARY TABLE grown (number int)")
    run_often(statement, {"it": 1})
    connection.connection.pgconn.exec_(change)  # without a word to the driver, as by others
    with pytest.raises(DatabaseError):
        sql.fetch_all(statement, {"it": 1})

    assert run_often(statement, {"it": 1}) == [None] * 7


def test_a_statement_that_cannot_be_prepared_is_refused_each_time():
    wrong = sql.numbered("SELECT %(it)s::nothing_of_the_kind")
    for _ in range(7):
        with pytest.raises(Exception, match="nothing_of_the_kind"):
            sql.fetch_one(wrong, {"it": "a"})


def test_the_first_statement_of_a_transaction_begins_it():
    write = sql.numbered("INSERT INTO written VALUES (%(it)s)")
    sql.execute("CREATE TEMPORARY TABLE written (it int)")

    with pytest.raises(ValueError, match="roll back"), transaction.atomic():  # noqa: PT012  # it raises at the end
        sql.execute(write, {"it": 1})
        raise ValueError("roll back")
    with transaction.atomic():
        sql.execute(write, {"it": 2})
        sql.execute(write, {"it": 3})

    assert sql.fetch_all("SELECT it FROM written ORDER BY it") == [(2,), (3,)]


def test_a_failed_transaction_stays_failed_until_its_end():
    with pytest.raises(InternalError), transaction.atomic():  # noqa: PT012  # it raises at the end
        sql.fetch_one("SELECT 1")
        with pytest.raises(DataError):
            sql.fetch_one(DIVIDE, {"by": 0})
        sql.fetch_one(DIVIDE, {"by": 1})

    assert sql.fetch_one(DIVIDE, {"by": 1}) == (6,)


def test_statements_that_go_out_together_keep_their_results_apart():
    run_often(DIVIDE, {"by": 1})
    with sql.together():
        sql.execute(DIVIDE, {"by": 2})
        found = sql.fetch_one(DIVIDE, {"by": 3})

    assert found == (2,)
    assert sql.fetch_one(DIVIDE, {"by": 6}) == (1,)


@pytest.mark.parametrize("times", [1, 7])
def test_a_connection_that_died_is_told_once_and_replaced(times):
    run_often(DIVIDE, {"by": 2}, times)
    with connection.copy().cursor() as other:
        other.execute(
            "SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid]
        )
        other.connection.close()

    with pytest.raises(OperationalError):
        sql.fetch_one(DIVIDE, {"by": 2})
    sql.drop_dead_connection()

    assert run_often(DIVIDE, {"by": 2}) == [(3,)] * 7
