"""Statements on a connection that may have died while nobody used it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.core.signals import request_started
from django.db import DataError, OperationalError, connection, transaction

from kernel import sql

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]


def end_this_connection():
    """Have the server end it, as a restart does."""
    with connection.copy().cursor() as other:
        other.execute(
            "SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid]
        )
        other.connection.close()


@pytest.fixture
def _dead_connection():
    sql.fetch_one("SELECT 1")
    end_this_connection()


@pytest.mark.usefixtures("_dead_connection")
def test_a_request_after_a_restart_finds_a_fresh_connection():
    request_started.send(sender=None)

    assert sql.fetch_one("SELECT 7") == (7,)


@pytest.mark.usefixtures("_dead_connection")
def test_a_connection_that_dies_during_a_request_is_told_once():
    with pytest.raises(OperationalError):
        sql.fetch_one("SELECT 7")
    request_started.send(sender=None)

    assert sql.fetch_one("SELECT 7") == (7,)


def test_a_connection_that_lives_is_kept():
    sql.fetch_one("SELECT 1")
    before = connection.connection
    request_started.send(sender=None)

    assert connection.connection is before


def test_a_connection_in_a_transaction_is_left_alone():
    with pytest.raises(OperationalError), transaction.atomic():  # noqa: PT012  # it raises at the end
        sql.fetch_one("SELECT 1")
        end_this_connection()
        request_started.send(sender=None)
        sql.fetch_one("SELECT 7")


def test_times_come_in_utc():
    ((moment,),) = sql.fetch_all("SELECT timestamptz '2026-05-04 03:02:01.123+02'")

    assert moment == datetime(2026, 5, 4, 1, 2, 1, 123000, tzinfo=UTC)
    assert moment.utcoffset() == timedelta(0)


def test_a_failed_statement_spoils_none_after_it():
    with pytest.raises(DataError):
        sql.fetch_one("SELECT 1 / %s::int", (0,))

    assert sql.fetch_one("SELECT 1 / %s::int", (1,)) == (1,)


def test_statements_that_go_out_together_keep_their_results_apart():
    with sql.together():
        sql.execute("SELECT generate_series(1, 3)")
        found = sql.fetch_all("SELECT generate_series(4, 5)")

    assert found == [(4,), (5,)]


def test_every_statement_passes_the_wrappers():
    seen = []

    def note(run, statement, *rest):
        seen.append(statement)
        return run(statement, *rest)

    with connection.execute_wrapper(note):
        sql.fetch_one("SELECT 1")
    sql.fetch_one("SELECT 2")

    assert seen == ["SELECT 1"]


def test_threads_do_not_share_what_they_read():
    def read(number):
        try:
            return [sql.fetch_one("SELECT %s::int", (number,)) for _ in range(50)]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(read, range(4)))

    assert found == [[(number,)] * 50 for number in range(4)]


def test_a_numbered_statement_takes_its_values_by_name():
    statement = sql.numbered("SELECT %(b)s::int, %(a)s::text, %(b)s::int, 7 %% 4, '$1x'::text")

    assert statement.text == b"SELECT $1::int, $2::text, $1::int, 7 % 4, '$1x'::text"
    assert sql.fetch_one(statement, {"a": "é", "b": 2, "unused": 3}) == (2, "é", 2, 3, "$1x")


def test_wrappers_see_a_numbered_statement_with_its_names():
    seen = []

    def note(run, statement, parameters, *rest):
        seen.append((statement, parameters))
        return run(statement, parameters, *rest)

    statement = sql.numbered("SELECT 7 %% %(b)s::int")
    with connection.execute_wrapper(note):
        found = sql.fetch_one(statement, {"b": 4})

    assert found == (3,)
    assert seen == [("SELECT 7 %% %(b)s::int", {"b": 4})]
