import pytest
from django.db import connection, transaction

from bench.plan import RefusedError
from bench.requests import Request
from bench.statements import Recorder, watch
from kernel import sql
from projects.services import create_key, operator

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]


def test_statements_are_written_down_with_their_values():
    recorder = Recorder()
    with connection.execute_wrapper(recorder):
        sql.fetch_one("SELECT %s::text, %s::int", ("it's", 3))
        with connection.cursor() as cursor:
            cursor.execute("SELECT %(a)s", {"a": "b"})
    assert recorder.finish() == ("SELECT 'it''s'::text, 3::int", "SELECT 'b'")


def test_transactions_are_written_down():
    recorder = Recorder()
    with connection.execute_wrapper(recorder):
        with transaction.atomic():
            sql.execute("SELECT 1")
            sql.execute("SELECT 2")
        sql.execute("SELECT 3")
    assert recorder.finish() == ("BEGIN", "SELECT 1", "SELECT 2", "COMMIT", "SELECT 3")


def test_the_last_transaction_is_ended():
    recorder = Recorder()
    with connection.execute_wrapper(recorder), transaction.atomic():
        sql.execute("SELECT 1")
    assert recorder.finish() == ("BEGIN", "SELECT 1", "COMMIT")


def test_a_request_without_statements_has_no_traffic(console_project):
    traffic = watch(Request("GET", "/health/version"), "/v1")
    assert (traffic.statements, traffic.round_trips, traffic.sql) == (0, 0, ())


def test_what_the_wire_carries_is_what_the_application_said(project):
    key = create_key(caller=operator(), project_id=project.uid, name="k", scopes=["keys.read"])
    headers = {"X-Appwrite-Project": project.uid, "X-Appwrite-Key": key["secret"]}
    traffic = watch(Request("GET", "/project/keys", headers), "/v1")
    assert traffic.statements == traffic.round_trips == len(traffic.sql) >= 1


def test_a_request_that_fails_is_said(console_project):
    with pytest.raises(RefusedError, match="/nothing"):
        watch(Request("GET", "/nothing"), "/v1")
