"""The start guard: what may not face others, said in a line each with what to do about it."""

import secrets

import pytest
from django.db import connection

from kernel.diagnosis import ProblemError
from projects import checks
from projects.diagnosis import find_production

STRONG = "q7Zt-9xWcVb2_LrEoYk4PdSgHf6JmNuA1iTqX8wRz0B"


@pytest.fixture
def production(db, settings):
    settings.SECRET_KEY = STRONG
    settings.PUBLIC_URL = "https://api.example.com"
    settings.HAS_TLS = True
    settings.IS_PUBLIC_URL_LOCAL = False
    settings.ALLOWED_HOSTS = ["api.example.com"]
    return settings


def found():
    """What is found apart from the server's own settings, which differ where tests run."""
    return [each for each in checks.findings() if not each.startswith("PostgreSQL:")]


def test_a_well_set_up_installation_has_no_findings(production):
    assert found() == []


def test_secrets_somebody_would_make_are_accepted(production):
    for secret in (
        secrets.token_hex(32),
        secrets.token_hex(16),
        secrets.token_urlsafe(32),
        "correct horse battery staple it is",
    ):
        production.SECRET_KEY = secret
        assert found() == []


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("x9Kq2Lm7Pz", "10 bytes are too few"),
        ("your-secret-key-your-other-key-4711", "well-known"),
        ("django-insecure-8f7g6h5j4k3l2m1n0b9v8c7x6z", "well-known"),
        ("P4ssword-changeme-please-2024-xyz", "well-known"),
        ("a" * 64, "too regular"),
        ("0123456789abcdef" * 4, "too regular"),
        ("abababcdcdcdababababcdcdcdababab12", "too regular"),
        ("abcdefghijklmnopqrstuvwxyz0123456789", "too regular"),
    ],
)
def test_class_21_guessable_secrets_are_refused(production, secret, problem):
    production.SECRET_KEY = secret
    (line,) = found()
    assert line.startswith("APPWRITE_SECRET: ")
    assert problem in line
    assert "openssl rand" in line
    assert secret not in line


def test_debug_is_refused(production):
    production.DEBUG = True
    (line,) = found()
    assert "DEBUG" in line


def test_answering_to_any_name_is_refused(production):
    production.ALLOWED_HOSTS = ["*"]
    (line,) = found()
    assert line.startswith("ALLOWED_HOSTS: ")


def test_http_to_other_machines_has_to_be_asked_for(production):
    production.PUBLIC_URL = "http://api.example.com"
    production.HAS_TLS = False
    (line,) = found()
    assert line.startswith("APPWRITE_PUBLIC_URL: ")
    assert "ALLOW_HTTP" in line
    production.ALLOW_HTTP = True
    assert found() == []


def test_http_on_this_machine_is_fine(production):
    production.PUBLIC_URL = "http://localhost:5000"
    production.HAS_TLS = False
    production.IS_PUBLIC_URL_LOCAL = True
    assert found() == []


def test_a_server_that_forgets_is_refused(production):
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name LIKE '%fsync'"
                       " OR name = 'full_page_writes'")  # fmt: skip
        settings = dict(cursor.fetchall())
    lines = [each for each in checks.findings() if each.startswith("PostgreSQL:")]
    off = [name for name in ("fsync", "full_page_writes") if settings[name] == "off"]
    assert [line.split()[1] for line in lines] == off
    assert all("postgresql.conf" in line for line in lines)


def test_the_doctor_tells_what_a_start_would_refuse(production):
    production.IS_PRODUCTION = False
    assert "not asked for" in find_production()
    production.IS_PRODUCTION = True
    production.SECRET_KEY = "short"
    with pytest.raises(ProblemError, match="APPWRITE_SECRET: 5 bytes are too few"):
        find_production()
