"""A project's own mail server and its own words for mails."""

import socket
import ssl
import threading
import time

import pytest

from accounts import letters, mail
from accounts.models import EmailTemplate, Mail
from accounts.services import read_letter
from kernel import clock
from kernel.models import Job
from projects import services as projects
from projects.models import Project
from projects.services import SmtpServer
from tests.accounts.mailbox import newest_text, smtp_server
from tests.conftest import PASSWORD, sign_up
from tests.kernel.dripping import dripping
from tests.projects.conftest import admin_mode, console_client, join
from tests.reference import assert_model

__all__ = ["console_client", "join"]  # fixtures

APP = "http://localhost:3000/in"
CODE = {"userId": "unique()", "email": "ada@example.com"}
SERVER = {"host": "mail.example.com", "senderEmail": "shop@example.com", "senderName": "The Shop"}
SECRET = "s3cret-of-the-server"
TEMPLATES = [
    "mfaChallenge",
    "verification",
    "magicSession",
    "recovery",
    "invitation",
    "sessionAlert",
    "otpSession",
]


@pytest.fixture
def server(project, client_for, make_key):
    scopes = ["project.read", "project.write", "templates.read", "templates.write"]
    return client_for(project, key=make_key(project, scopes))


@pytest.fixture
def postbox(settings):
    with smtp_server(settings) as box:
        yield box


@pytest.fixture
def own_box(server, settings):
    """A server that belongs to the project alone, on an address that the installation allows."""
    with smtp_server(settings) as box:
        port = settings.EMAIL_PORT
        settings.EMAIL_HOST, settings.EMAIL_PORT = "", 1
        settings.OUTBOUND_HOSTS = frozenset({"127.0.0.1"})
        changes = SERVER | {"host": "127.0.0.1", "port": port, "secure": "", "enabled": True}
        assert server.patch("/project/smtp", changes).status == 200
        yield box


# The server


def test_mails_leave_by_the_projects_own_server(guest, server, own_box, jobs):
    server.patch("/project/smtp", {"replyToEmail": "help@example.com", "replyToName": "Help"})
    assert guest.post("/account/tokens/email", CODE).status == 201
    assert jobs() == 1
    (sent,) = own_box.mails
    assert sent["From"] == "The Shop <shop@example.com>"
    assert sent["Reply-To"] == "Help <help@example.com>"
    assert Mail.objects.get().sent_at is not None


def test_other_projects_do_not_leave_by_it(other_project, client_for, own_box, jobs):
    client_for(other_project).post("/account/tokens/email", CODE)
    assert jobs() == 0
    assert own_box.mails == []


def test_without_one_mails_leave_by_the_installations(guest, postbox, jobs, settings):
    settings.DEFAULT_FROM_EMAIL = "no-reply@mail.example.com"
    guest.post("/account/tokens/email", CODE)
    jobs()
    (sent,) = postbox.mails
    assert sent["From"] == "Blog <no-reply@mail.example.com>"


def test_settings_are_shown_but_the_password(server, events, monkeypatch):
    public(monkeypatch)
    events.clear()
    changed = server.patch(
        "/project/smtp",
        SERVER | {"port": 465, "username": "me", "password": SECRET, "secure": "ssl"},
    )
    assert changed.status == 200
    assert_model("Project", changed.json)
    shown = {name: value for name, value in changed.json.items() if name.startswith("smtp")}
    assert shown == {
        "smtpEnabled": False,
        "smtpSenderName": "The Shop",
        "smtpSenderEmail": "shop@example.com",
        "smtpReplyToName": "",
        "smtpReplyToEmail": "",
        "smtpHost": "mail.example.com",
        "smtpPort": 465,
        "smtpUsername": "me",
        "smtpPassword": "",
        "smtpSecure": "ssl",
    }
    row = Project.objects.get(uid="blog")
    assert SECRET not in str(row.smtp) + str(events.payloads())
    server.patch("/project/smtp", {"enabled": True, "port": 587})
    found = projects.smtp_server(Project.objects.get(uid="blog"))
    assert found is not None
    assert (found.password, found.username, found.port) == (SECRET, "me", 587)


def public(monkeypatch):
    """Have every name lead to a public address."""
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: answer)


@pytest.mark.parametrize(
    "change",
    [{"host": ""}, {"senderEmail": ""}, {"host": "127.0.0.1"}, {"host": "nowhere.invalid"}],
)
def test_a_server_that_cannot_work_is_not_switched_on(server, change):
    reply = server.patch("/project/smtp", SERVER | change | {"enabled": True})
    assert (reply.status, reply.error) == (400, "project_smtp_config_invalid")
    assert Project.objects.get(uid="blog").smtp == {}


@pytest.mark.parametrize(
    "change",
    [
        {"host": "http://x"},
        {"port": 0},
        {"port": 65_536},
        {"senderEmail": "nobody"},
        {"secure": "rot13"},
        {"password": "x" * 257},
        {"enabled": "maybe"},
    ],
)
def test_malformed_settings_are_refused(server, change):
    reply = server.patch("/project/smtp", change)
    assert (reply.status, reply.error) == (400, "general_argument_invalid")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"],
)
def test_class_38_a_name_that_leads_inside_later_is_not_called(
    guest, server, jobs, monkeypatch, address
):
    public(monkeypatch)
    assert server.patch("/project/smtp", SERVER | {"enabled": True}).status == 200
    guest.post("/account/tokens/email", CODE)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    inside = [(family, socket.SOCK_STREAM, 6, "", (address, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: inside)

    def connect(*_args, **_options):
        raise AssertionError("connected")

    monkeypatch.setattr(socket, "create_connection", connect)
    jobs()
    assert Job.objects.latest("id").status == "failed"
    assert "not a public server" in Mail.objects.get().error


def test_a_test_mail_shows_that_the_server_works(server, own_box, jobs):
    reply = server.post("/project/smtp/tests", {"emails": ["a@example.com", "b@example.com"]})
    assert reply.status == 204
    assert jobs() == 2
    assert own_box.recipients == [["a@example.com"], ["b@example.com"]]


def test_without_any_server_there_is_nothing_to_test(server):
    reply = server.post("/project/smtp/tests", {"emails": ["a@example.com"]})
    assert (reply.status, reply.error) == (503, "general_smtp_disabled")
    assert server.post("/project/smtp/tests", {"emails": ["a@example.com"] * 11}).status == 400


# The words


@pytest.mark.parametrize("kind", TEMPLATES)
def test_built_in_templates_are_shown_with_their_variables(server, kind):
    reply = server.get(f"/project/templates/email/{kind}")
    assert reply.status == 200
    assert_model("EmailTemplate", reply.json)
    assert (reply.json["templateId"], reply.json["locale"]) == (kind, "")
    assert "{{project}}" in reply.json["message"]
    assert letters.check_template(reply.json["message"]) == reply.json["message"]
    assert server.get("/project/templates/email").json == {"total": 0, "templates": []}


def test_mails_are_in_the_projects_own_words(guest, server, events):
    events.clear()
    own = {
        "templateId": "otpSession",
        "subject": "{{otp}} for\r\n{{project}}",
        "message": "<p>Your code:</p><p>{{otp}}</p>&amp; more",
    }
    changed = server.patch("/project/templates/email", own)
    assert changed.status == 200
    assert_model("EmailTemplate", changed.json)
    assert events.names() == ["templates.otpSession.update"]
    guest.post("/account/tokens/email", CODE)
    letter = read_letter(Mail.objects.get())
    code = letter.text.splitlines()[1]
    assert letter.subject == f"{code} for Blog"
    assert letter.text == f"Your code:\n{code}\n& more\n"
    assert letter.html == f"<p>Your code:</p><p>{code}</p>&amp; more"


def test_words_are_those_of_the_callers_language(guest, server):
    for locale, word in (("", "any"), ("de", "deutsch")):
        message = f"{word} {{{{redirect}}}}"
        body = {"templateId": "magicSession", "locale": locale, "message": message}
        assert server.patch("/project/templates/email", body).status == 200
    for sent, word in (("de", "deutsch"), ("DE", "deutsch"), ("fr", "any"), ("\x00'--", "any")):
        guest.post(
            "/account/tokens/magic-url", CODE | {"url": APP}, X_Appwrite_Locale=sent.strip("\x00")
        )
        assert newest_text("ada@example.com").startswith(f"{word} {APP}?")
    listed = server.get("/project/templates/email").json
    assert [each["locale"] for each in listed["templates"]] == ["", "de"]


def test_recovery_mails_are_in_the_callers_language_too(project, guest, server, jobs):
    sign_up(project, "ada")
    body = {"templateId": "recovery", "locale": "de", "message": "Neu: {{redirect}}"}
    server.patch("/project/templates/email", body)
    asked = {"email": "ada@example.com", "url": APP}
    guest.post("/account/recovery", asked, X_Appwrite_Locale="de")
    jobs()
    assert newest_text().startswith("Neu: ")


def test_own_words_say_who_they_are_from(guest, server, own_box, jobs):
    body = {
        "templateId": "otpSession",
        "message": "{{otp}}",
        "senderName": "Codes",
        "senderEmail": "codes@example.com",
        "replyToEmail": "re@example.com",
    }
    server.patch("/project/templates/email", body)
    guest.post("/account/tokens/email", CODE)
    jobs()
    (sent,) = own_box.mails
    assert (sent["From"], sent["Reply-To"]) == ("Codes <codes@example.com>", "re@example.com")


@pytest.mark.parametrize(
    "source",
    [
        "{% debug %}",
        "{% load static %}",
        "{% include 'console/first_admin.html' %}",
        "{% extends 'emails/base.html' %}",
        "{% for a in b %}{% endfor %}",
        "{{ project|safe }}",
        "{{ project|center:999999999 }}",
        "{{ project.__class__ }}",
        "{{ _project }}",
        "{{ }}",
        "{% verbatim %}x",
    ],
)
def test_class_44_templates_are_no_code(server, source):
    for field in ("message", "subject"):
        body = {"templateId": "recovery", field: source}
        reply = server.patch("/project/templates/email", body)
        assert (reply.status, reply.error) == (400, "general_argument_invalid")
    assert not EmailTemplate.objects.exists()


def test_class_44_what_variables_hold_is_text(project, client_for, server, alice):
    body = {"templateId": "invitation", "message": "<b>{{team}}</b>", "subject": "{{team}}"}
    server.patch("/project/templates/email", body)
    owner = client_for(project, session=alice.session)
    name = "<script>{{project}}</script>\r\nBcc: eve@example.com"
    owner.post("/teams", {"teamId": "t", "name": name})
    owner.post("/teams/t/memberships", {"email": "b@example.com", "roles": [], "url": APP})
    letter = read_letter(Mail.objects.get())
    assert letter.subject == "<script>{{project}}</script> Bcc: eve@example.com"
    assert "<script>" not in letter.html
    assert "{{project}}" in letter.html


def test_unknown_kinds_and_locales_are_refused(server):
    assert server.get("/project/templates/email/birthday").status == 400
    for change in ({"templateId": "birthday"}, {"locale": "klingon"}, {"message": "x" * 1_048_577}):
        body = {"templateId": "recovery", "message": "x"} | change
        assert server.patch("/project/templates/email", body).status == 400


def test_own_words_are_the_projects_alone(guest, server, other_project, client_for, make_key):
    server.patch("/project/templates/email", {"templateId": "otpSession", "message": "ours"})
    other = client_for(other_project, key=make_key(other_project, ["templates.read"]))
    assert other.get("/project/templates/email").json["total"] == 0
    client_for(other_project).post("/account/tokens/email", CODE)
    assert "ours" not in newest_text()


def test_owners_return_to_the_built_in_words(console_client, server):
    owner = console_client("owen", "crew", ("owner",))
    projects.update_team(caller=projects.operator(), project_id="blog", team_id="crew")
    server.patch("/project/templates/email", {"templateId": "recovery", "message": "ours"})
    path, body = "/projects/blog/templates/email", {"type": "recovery"}
    assert owner.delete(path, body).status == 204
    again = owner.delete(path, body)
    assert (again.status, again.error) == (401, "project_template_default_deletion")
    stranger = console_client("eve", "rivals", ("owner",))
    assert stranger.delete(path, body).error == "project_not_found"
    shown = admin_mode(owner, "blog").get("/project/templates/email/recovery").json
    assert "ours" not in shown["message"]


def test_users_neither_see_nor_change_words_or_server(project, client_for, alice):
    own = client_for(project, session=alice.session)
    for verb, path in (
        ("GET", "/project/templates/email"),
        ("PATCH", "/project/templates/email"),
        ("GET", "/project/templates/email/recovery"),
        ("PATCH", "/project/smtp"),
        ("POST", "/project/smtp/tests"),
    ):
        assert own.call(verb, path, {}).error == "general_unauthorized_scope"


def test_a_lost_master_secret_sends_no_mail_without_its_password(guest, own_box, jobs):
    smtp = Project.objects.get(uid="blog").smtp | {"password": "k:1:AAAA"}
    Project.objects.filter(uid="blog").update(smtp=smtp)
    guest.post("/account/tokens/email", CODE)
    jobs()
    assert own_box.mails == []
    assert Job.objects.latest("id").status == "failed"
    assert PASSWORD not in Mail.objects.get().error


@pytest.mark.parametrize("greeting", [b"", b"220 mail.example.com\r\n"], ids=["greeting", "hello"])
def test_server_whose_answer_has_no_end_is_cut_off(settings, monkeypatch, greeting):
    usual_seconds = mail.MAX_SECONDS
    monkeypatch.setattr(mail, "MAX_SECONDS", 0.2)
    settings.OUTBOUND_HOSTS = frozenset({"127.0.0.1"})
    line = b"250-more\r\n" if greeting else b"220-more\r\n"
    begun = time.monotonic()
    with dripping(greeting, line) as port, pytest.raises(OSError, match="closed"):
        hand_over(port, secure="")
    assert 0.2 <= time.monotonic() - begun < usual_seconds


def test_server_that_speaks_no_tls_is_let_go_of(settings):
    settings.OUTBOUND_HOSTS = frozenset({"127.0.0.1"})
    with dripping(b"220 mail.example.com\r\n", b"") as port, pytest.raises(ssl.SSLError):
        hand_over(port, secure="ssl")
    assert not any(isinstance(each, threading.Timer) for each in threading.enumerate())


def hand_over(port, *, secure):
    """Hand a mail to a project's server on this port."""
    mail.deliver(
        mail.Letter("Hello", "text", "<p>text</p>"),
        recipient="ada@example.com",
        sender="Blog",
        uid="abc",
        date=clock.now(),
        server=SmtpServer(
            host="127.0.0.1",
            port=port,
            username="",
            password="",
            secure=secure,
            sender_name="Blog",
            sender_email="blog@example.com",
            reply_to_name="",
            reply_to_email="",
        ),
    )
