"""How the installation is: asked for real, and told only to keys."""

import pytest
from django.db import OperationalError

from projects import health
from tests.kernel.test_geoip import database
from tests.reference import assert_model

__all__ = ["database"]  # a fixture

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture
def doctor(project, client_for, make_key):
    return client_for(project, key=make_key(project, []))


def test_ping_answers_everybody_in_text(project, client_for):
    reply = client_for(project).get("/ping")
    assert (reply.status, reply.content) == (200, b"Pong!")
    assert reply.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/health", "healthStatus"),
        ("/health/geo", "healthStatus"),
        ("/health/db", "healthStatusList"),
        ("/health/cache", "healthStatusList"),
        ("/health/pubsub", "healthStatusList"),
        ("/health/time", "healthTime"),
        ("/health/version", "healthVersion"),
    ],
)
def test_a_key_learns_how_the_installation_is(doctor, path, model):
    reply = doctor.get(path)
    assert reply.status == 200
    assert_model(model, reply.json)


def test_guests_learn_the_version_only(project, client_for, settings):
    guest = client_for(project)
    assert guest.get("/health/version").json == {"version": settings.APPWRITE_VERSION}
    for path in ("/health", "/health/db", "/health/cache", "/health/pubsub", "/health/geo"):
        assert guest.get(path).error == "general_unauthorized_scope"


def test_without_redis_there_is_no_cache_to_report(doctor, settings):
    settings.REDIS_URL = ""
    assert doctor.get("/health/cache").json == {"total": 0, "statuses": []}


def test_redis_out_of_reach_is_reported(doctor, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    for path in ("/health/cache", "/health/pubsub"):
        reply = doctor.get(path)
        assert (reply.status, reply.error) == (503, "general_service_unavailable")


def test_the_database_of_addresses_is_read(doctor, settings, database):
    assert doctor.get("/health/geo").json["status"] == "pass"
    database.write_bytes(b"rubbish")
    reply = doctor.get("/health/geo")
    assert (reply.status, reply.error) == (503, "general_service_unavailable")
    assert str(database) not in reply.json["message"]
    settings.GEOIP_DATABASE = ""
    reply = doctor.get("/health/geo")
    assert (reply.status, reply.json["status"]) == (200, "fail")


def test_a_database_out_of_reach_is_reported(doctor, monkeypatch):
    def fail():
        raise OperationalError("connection refused on a secret host")

    monkeypatch.setattr(health, "_ask_database", fail)
    reply = doctor.get("/health/db")
    assert (reply.status, reply.error) == (503, "general_service_unavailable")
    assert reply.headers["Retry-After"] == "1"
    assert b"secret" not in reply.content


def test_the_scope_catalogue_is_public(console_project, client_for):
    reply = client_for(console_project).get("/console/scopes/project")
    assert_model("consoleKeyScopeList", reply.json)
    scopes = {each["$id"]: each for each in reply.json["scopes"]}
    assert reply.json["total"] == len(scopes)
    assert scopes["documents.write"]["deprecated"]
    assert not scopes["rows.write"]["deprecated"]


def test_a_console_client_learns_what_the_installation_offers(owen, settings):
    settings.PUBLIC_URL = "https://api.example.com"
    reply = owen.get("/console/variables")
    assert_model("consoleVariables", reply.json)
    assert reply.json["_APP_DOMAIN_TARGET_CNAME"] == "api.example.com"
    assert reply.json["_APP_OPTIONS_FORCE_HTTPS"] == "enabled"
