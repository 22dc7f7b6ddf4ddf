"""Statements on a connection that may have died while nobody used it."""

import pytest
from django.core.signals import request_started
from django.db import OperationalError, connection, transaction

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
    with pytest.raises(OperationalError), transaction.atomic():  # noqa: PT012
        sql.fetch_one("SELECT 1")
        end_this_connection()
        request_started.send(sender=None)
        sql.fetch_one("SELECT 7")
