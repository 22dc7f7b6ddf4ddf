"""Text messages: through a provider, or into the console's outbox."""

import base64
import hashlib
import hmac
from datetime import timedelta
from urllib.parse import parse_qs

import orjson
import pytest
import time_machine

from accounts.models import TextMessage
from accounts.services import read_text
from kernel import clock
from kernel.models import Job
from projects.models import Project
from projects.services import drop_project
from tests.accounts.mailbox import newest_text_code
from tests.gateway.upstream import Upstream, plain

pytestmark = [pytest.mark.db, pytest.mark.django_db]
NUMBER = "+4915112345678"


@pytest.fixture
def provider(settings):
    """A local server that stands for a provider."""
    server = Upstream()
    settings.OUTBOUND_HOSTS = frozenset({"127.0.0.1"})
    settings.SMS_URL, settings.SMS_FROM = server.url, "+15005550006"
    settings.SMS_USERNAME, settings.SMS_PASSWORD = "AC1", "secret"
    yield server
    server.stop()


@pytest.fixture
def ask(guest, jobs):
    def ask_for_code():
        reply = guest.post("/account/tokens/phone", {"userId": "unique()", "phone": NUMBER})
        assert reply.status == 201
        jobs()
        return TextMessage.objects.order_by("-id")[0]

    return ask_for_code


def test_message_waits_encrypted_where_there_is_no_provider(ask):
    row = ask()
    assert (row.recipient, row.sent_at, row.error) == (NUMBER, None, "")
    code = newest_text_code(NUMBER)
    assert read_text(row) == (
        f"{code} is your code for Blog. It works once, within 15 minutes. Give it to nobody."
    )
    assert code not in row.content
    assert not Job.objects.exists()


def test_twilio_gets_a_form(ask, provider, settings):
    settings.SMS_PROVIDER = "twilio"
    provider.answer = plain(b'{"sid":"SM1"}', 201)
    row = ask()
    method, path, headers, body = provider.requests[0]
    assert (method, path) == ("POST", "/2010-04-01/Accounts/AC1/Messages.json")
    assert headers["Authorization"] == f"Basic {base64.b64encode(b'AC1:secret').decode()}"
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert (form["To"], form["From"]) == (NUMBER, "+15005550006")
    assert "is your code for Blog" in form["Body"]
    assert row.sent_at is not None
    assert (row.content, row.error) == ("", "")


def test_vonage_gets_a_form(ask, provider, settings):
    settings.SMS_PROVIDER = "vonage"
    provider.answer = plain(b'{"messages":[{"status":"0"}]}')
    row = ask()
    _, path, _, body = provider.requests[0]
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert path == "/sms/json"
    assert (form["api_key"], form["api_secret"]) == ("AC1", "secret")
    assert (form["to"], form["from"]) == (NUMBER[1:], "15005550006")
    assert (form["type"], form["client-ref"]) == ("text", row.uid)
    assert row.sent_at is not None


def test_webhook_gets_a_signed_message(ask, provider, settings):
    settings.SMS_PROVIDER = "webhook"
    settings.SMS_URL = f"{provider.url}/send?x=1"
    row = ask()
    _, path, headers, body = provider.requests[0]
    said = orjson.loads(body)
    assert path == "/send?x=1"
    assert (said["to"], said["from"], said["project"]) == (NUMBER, "+15005550006", "blog")
    signed = f"{row.uid}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(b"secret", signed, hashlib.sha256).digest()
    assert headers["webhook-id"] == row.uid
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert row.sent_at is not None


@pytest.mark.parametrize(
    ("name", "answer", "error"),
    [
        ("twilio", plain(b"{}", 400), "refused with 400"),
        ("twilio", plain(b"{}", 302), "refused with 302"),
        ("webhook", plain(b"", 410), "refused with 410"),
        ("vonage", plain(b'{"messages":[{"status":"4"}]}'), "refused with status 4"),
    ],
)
def test_refusal_for_good_is_told_and_not_tried_again(ask, provider, settings, name, answer, error):
    settings.SMS_PROVIDER, provider.answer = name, answer
    row = ask()
    assert row.sent_at is None
    assert error in row.error
    assert Job.objects.get().status == "failed"
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("twilio", plain(b"{}", 503)),
        ("twilio", plain(b"{}", 429)),
        ("vonage", plain(b'{"messages":[{"status":"1"}]}')),
        ("vonage", plain(b"<html>")),
        ("vonage", plain(b'{"messages":[]}')),
    ],
)
def test_busy_provider_is_tried_again(ask, provider, settings, jobs, name, answer):
    settings.SMS_PROVIDER, provider.answer = name, answer
    row = ask()
    assert row.sent_at is None
    assert row.error.startswith("OutboundError")
    provider.answer = plain(b'{"messages":[{"status":"0"}]}')
    Job.objects.update(run_after=clock.now() - timedelta(hours=1))
    jobs()
    sent = TextMessage.objects.get()
    assert sent.sent_at is not None
    assert (sent.content, sent.error) == ("", "")


def test_code_that_is_over_is_not_sent(ask, provider, settings, jobs):
    settings.SMS_PROVIDER, provider.answer = "twilio", plain(b"", 503)
    row = ask()
    TextMessage.objects.update(created_at=clock.now() - timedelta(minutes=16))
    Job.objects.update(run_after=clock.now() - timedelta(hours=1))
    jobs()
    row.refresh_from_db()
    assert "over" in row.error
    assert len(provider.requests) == 1


def test_job_done_twice_sends_once(ask, provider, settings, jobs):
    settings.SMS_PROVIDER = "webhook"
    ask()
    Job.objects.update(status="waiting")
    jobs()
    assert len(provider.requests) == 1


def test_class_38_provider_inside_is_not_called(ask, provider, settings):
    settings.SMS_PROVIDER, settings.OUTBOUND_HOSTS = "webhook", frozenset()
    row = ask()
    assert provider.requests == []
    assert row.error.startswith("TextRefusedError")
    assert Job.objects.get().status == "failed"


def test_class_44_name_of_a_project_is_no_template(guest):
    Project.objects.filter(uid="blog").update(name="{{ code }}{% now 'Y' %}<b>&")
    drop_project()
    guest.post("/account/tokens/phone", {"userId": "unique()", "phone": NUMBER})
    assert "{{ code }}{% now 'Y' %}<b>&." in read_text(TextMessage.objects.get())


def test_messages_are_kept_for_a_week(ask):
    old = ask()
    with time_machine.travel(clock.now() + timedelta(days=8), tick=False):
        new = ask()
    assert list(TextMessage.objects.all()) == [new]
    assert old.id != new.id
