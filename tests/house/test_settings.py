"""Settings as the environment makes them."""

import os
import runpy

import pytest

from appwrite_clone import bootstrap, env
from appwrite_clone.env import BadSetting

SETTINGS = str(bootstrap.ROOT / "appwrite_clone" / "settings.py")
PRESERVED = ("PATH", "HOME")


@pytest.fixture
def read(monkeypatch):
    """Read the settings under an environment that holds nothing else."""

    def read_settings(**variables):
        for name in os.environ:
            if name not in PRESERVED:
                monkeypatch.delenv(name)
        needed = {"DATABASE_URL": "postgresql:///x", "APPWRITE_SECRET": "s"}
        for name, value in (needed | variables).items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(SETTINGS)

    return read_settings


EMBEDDED = {"APPWRITE_EMBEDDED": "1"}


@pytest.mark.parametrize(
    ("variables", "is_production"),
    [
        (EMBEDDED, False),
        (EMBEDDED | {"APPWRITE_HOST": "127.0.0.1"}, False),
        (EMBEDDED | {"APPWRITE_HOST": "::1"}, False),
        (EMBEDDED | {"APPWRITE_HOST": "0.0.0.0"}, True),
        (EMBEDDED | {"APPWRITE_HOST": "192.168.1.2"}, True),
        (EMBEDDED | {"APPWRITE_PUBLIC_URL": "https://api.example.com"}, True),
        ({}, True),
    ],
)
def test_production_is_an_own_database_or_an_address_others_reach(read, variables, is_production):
    assert read(**variables)["IS_PRODUCTION"] is is_production


def test_loopback_names_and_the_public_one_are_answered(read):
    hosts = read(APPWRITE_PUBLIC_URL="https://API.example.com:8443/")["ALLOWED_HOSTS"]
    assert hosts == ["localhost", "127.0.0.1", "[::1]", "api.example.com"]
    named = read(APPWRITE_PUBLIC_URL="http://[2001:db8::1]:5000", ALLOWED_HOSTS="a.example, b.net")
    assert named["ALLOWED_HOSTS"][3:] == ["[2001:db8::1]", "a.example", "b.net"]


@pytest.mark.parametrize(
    "url",
    ["api.example.com", "ftp://a.example", "https://", "https://a.example/v1", "https://a?b",
     "https://user@a.example", "https://a.example:0", "https://a.example:x", "http://[::1"],
)  # fmt: skip
def test_public_url_is_an_origin(read, url):
    with pytest.raises(BadSetting, match="APPWRITE_PUBLIC_URL"):
        read(APPWRITE_PUBLIC_URL=url)


def test_console_cookies_are_bound_to_an_https_host(read):
    secure = read(APPWRITE_PUBLIC_URL="https://api.example.com")
    for name in ("SESSION_COOKIE", "CSRF_COOKIE"):
        assert secure[f"{name}_NAME"].startswith("__Host-")
        assert secure[f"{name}_SECURE"] is secure[f"{name}_HTTPONLY"] is True
        assert secure[f"{name}_SAMESITE"] == "Lax"
    plain = read(APPWRITE_PUBLIC_URL="http://localhost:5000")
    assert not plain["SESSION_COOKIE_SECURE"]
    assert not plain["SESSION_COOKIE_NAME"].startswith("__")


@pytest.mark.parametrize("host", ["localhost", "x.localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_loopback_is_known(host):
    assert env.is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1.example.com", "0.0.0.0", "::", "", "localhost.net"])
def test_other_hosts_are_not_loopback(host):
    assert not env.is_loopback(host)


def test_mail_waits_in_the_console_unless_a_server_is_named(read):
    without = read()
    assert without["EMAIL_HOST"] == ""
    named = read(
        SMTP_HOST="mail.example.com", SMTP_USERNAME="u", SMTP_PASSWORD="p", SMTP_SECURE="SSL"
    )
    assert (named["EMAIL_HOST"], named["EMAIL_PORT"]) == ("mail.example.com", 587)
    assert (named["EMAIL_HOST_USER"], named["EMAIL_HOST_PASSWORD"]) == ("u", "p")
    assert (named["EMAIL_USE_TLS"], named["EMAIL_USE_SSL"]) == (False, True)
    assert without["EMAIL_USE_TLS"] is True


def test_mail_comes_from_the_public_host_unless_told_otherwise(read):
    own = read(APPWRITE_PUBLIC_URL="https://api.example.com")
    assert own["DEFAULT_FROM_EMAIL"] == "no-reply@api.example.com"
    assert read(SMTP_FROM="hello@example.com")["DEFAULT_FROM_EMAIL"] == "hello@example.com"


@pytest.mark.parametrize("sender", ["hello", "A <a@b.de>", "a@b.de, c@d.de", "a@b@c", "a b@c.de"])
def test_sender_of_mails_is_one_bare_address(read, sender):
    with pytest.raises(BadSetting, match="SMTP_FROM"):
        read(SMTP_FROM=sender)


def test_mail_is_not_sent_unprotected_by_a_typing_error(read):
    with pytest.raises(BadSetting, match="SMTP_SECURE"):
        read(SMTP_SECURE="no")


def test_options_of_the_database_url_win_over_the_defaults(read):
    address = "postgresql://a@db.example/x?connect_timeout=2&sslmode=require"
    options = read(DATABASE_URL=address)["DATABASES"]["default"]["OPTIONS"]
    assert (options["connect_timeout"], options["sslmode"]) == ("2", "require")
    assert options["tcp_user_timeout"] == "9000"


@pytest.mark.parametrize(
    ("provider", "url"),
    [("twilio", "https://api.twilio.com"), ("vonage", "https://rest.nexmo.com")],
)
def test_providers_of_text_messages_are_known_by_name(read, provider, url):
    account = {"SMS_USERNAME": "u", "SMS_PASSWORD": "p", "SMS_FROM": "+15005550006"}
    assert read(SMS_PROVIDER=provider, **account)["SMS_URL"] == url
    for name in account:
        with pytest.raises(BadSetting, match=name):
            read(SMS_PROVIDER=provider, **{each: account[each] for each in account if each != name})


def test_text_messages_wait_in_the_console_unless_a_provider_is_named(read):
    without = read()
    assert (without["SMS_PROVIDER"], without["SMS_URL"]) == ("none", "")
    assert without["OUTBOUND_HOSTS"] == frozenset()


@pytest.mark.parametrize(
    "url",
    ["", "sms.example.com", "ftp://a.example", "https://", "https://u:p@a.example", "https://a#b"],
)
def test_webhook_for_text_messages_is_a_url(read, url):
    with pytest.raises(BadSetting, match="SMS_URL"):
        read(SMS_PROVIDER="webhook", SMS_PASSWORD="p", SMS_URL=url)
    given = read(SMS_PROVIDER="webhook", SMS_PASSWORD="p", SMS_URL="https://a.example/b?c=d")
    assert given["SMS_URL"] == "https://a.example/b?c=d"
