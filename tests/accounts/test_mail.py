"""Mails: sent by a job to a real SMTP server, or kept where the console shows them."""

import socket
from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from accounts.models import Mail, Membership
from accounts.services import create_console_admin, read_letter, send_mail
from accounts.services.outbox import FREE_TURNS, post_mail
from kernel import clock
from kernel.jobs import JobFailedError
from kernel.models import Job
from tests.accounts.mailbox import smtp_server
from tests.conftest import PASSWORD, sign_up

LINK = "https://app.example.com/in?userId=alice&secret=s3cret"


@pytest.fixture
def postbox(settings):
    with smtp_server(settings) as box:
        yield box


def post(project, **context):
    options = {"recipient": "ada@example.com", "template": "verification", "link": LINK}
    with transaction.atomic():
        post_mail(project, subject="Confirm", **(options | context))
    return Mail.objects.order_by("-id").first()


# Leaving


def test_mail_leaves_as_text_and_html_from_the_project(project, postbox, jobs, settings):
    settings.DEFAULT_FROM_EMAIL = "no-reply@mail.example.com"
    row = post(project)
    assert postbox.mails == []
    assert jobs() == 1
    (sent,) = postbox.mails
    assert postbox.recipients == [["ada@example.com"]]
    assert (sent["Subject"], sent["To"]) == ("Confirm", "ada@example.com")
    assert sent["From"] == "Blog <no-reply@mail.example.com>"
    assert sent["Message-ID"] == f"<{row.uid}@localhost>"
    assert sent["Auto-Submitted"] == "auto-generated"
    text, html = sent.get_body(("plain",)), sent.get_body(("html",))
    assert LINK in text.get_content()
    assert LINK.replace("&", "&amp;") in html.get_content()


def test_sent_mail_is_forgotten(project, postbox, jobs):
    row = post(project)
    jobs()
    row.refresh_from_db()
    assert (row.content, row.error) == ("", "")
    assert row.sent_at is not None
    send_mail(mail_id=row.id)
    assert len(postbox.mails) == 1


def test_mail_is_posted_with_its_transaction_or_not_at_all(project, postbox):
    with transaction.atomic():
        post_mail(project, recipient="a@b.de", template="recovery", subject="x", link=LINK)
        transaction.set_rollback(True)
    assert not Mail.objects.exists()
    assert not Job.objects.exists()


def test_mail_sent_twice_has_one_message_id(project, postbox, jobs):
    row = post(project)
    content = row.content
    jobs()
    Mail.objects.update(sent_at=None, content=content)  # the worker died before it noted it
    send_mail(mail_id=row.id)
    first, second = postbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]


def test_busy_server_gets_the_mail_later(project, postbox, jobs):
    row = post(project)
    postbox.answer = "451 4.3.0 later"
    jobs()
    job = Job.objects.get()
    assert (job.status, job.attempts) == ("waiting", 1)
    row.refresh_from_db()
    assert "451" in row.error
    postbox.answer = ""
    Job.objects.update(run_after=clock.now() - timedelta(hours=1))
    jobs()
    row.refresh_from_db()
    assert (row.error, len(postbox.mails)) == ("", 1)


@pytest.mark.parametrize("by", ["answer", "answer_to_recipient"])
def test_mail_refused_for_good_is_not_tried_again(project, postbox, jobs, by):
    row = post(project)
    setattr(postbox, by, "550 5.1.1 nobody here")
    jobs()
    assert Job.objects.get().status == "failed"
    row.refresh_from_db()
    assert "550" in row.error
    assert row.sent_at is None


def test_recipient_refused_for_now_is_tried_again(project, postbox, jobs):
    post(project)
    postbox.answer_to_recipient = "450 4.2.1 later"
    jobs()
    assert Job.objects.get().status == "waiting"


def test_server_that_is_down_or_silent_holds_nobody_up(project, jobs, settings):
    settings.EMAIL_USE_TLS, settings.EMAIL_TIMEOUT = False, 0.2
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", silent.getsockname()[1]
        post(project)
        started = clock.now()
        jobs()
        assert clock.now() - started < timedelta(seconds=5)
    Job.objects.update(run_after=clock.now() - timedelta(hours=1))
    jobs()
    assert (Job.objects.get().status, Job.objects.get().attempts) == ("waiting", 2)


def test_mails_to_a_silent_server_leave_workers_to_others(project, jobs, settings):
    settings.EMAIL_USE_TLS, settings.EMAIL_TIMEOUT = False, 0.2
    settings.EMAIL_HOST = "127.0.0.1"
    for number in range(6):
        post(project, recipient=f"user{number}@example.com")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_PORT = silent.getsockname()[1]
        with time_machine.travel(clock.now(), tick=False):
            jobs()
    tried = Job.objects.filter(attempts=1).count()
    assert tried == FREE_TURNS
    assert Job.objects.filter(status="waiting", attempts=0).count() == 6 - tried

    with smtp_server(settings) as postbox:
        Job.objects.update(run_after=clock.now() - timedelta(hours=1))
        with time_machine.travel(clock.now() + timedelta(minutes=2)):
            jobs()
        assert len({each["Message-ID"] for each in postbox.mails}) == len(postbox.mails) == 6
    assert set(Job.objects.values_list("status", flat=True)) == {"done"}


def test_an_answer_is_no_silence(project, postbox, jobs):
    for number in range(5):
        post(project, recipient=f"user{number}@example.com")
    postbox.answer = "451 4.3.0 later"
    jobs()
    assert set(Job.objects.values_list("attempts", flat=True)) == {1}


def test_server_without_tls_gets_no_password(project, postbox, jobs, settings):
    settings.EMAIL_USE_TLS, settings.EMAIL_HOST_USER = True, "user"
    settings.EMAIL_HOST_PASSWORD = "s3cret-of-the-server"
    row = post(project)
    jobs()
    row.refresh_from_db()
    assert postbox.mails == []
    assert "STARTTLS" in row.error
    assert "s3cret-of-the-server" not in row.error + Job.objects.get().error


# What mails hold


def test_class_44_project_name_is_neither_template_nor_markup(project, postbox, jobs):
    name = "<script>{{ link }}</script>{% debug %}\r\nBcc: eve@example.com"
    row = post(project.__class__(id=project.id, uid=project.uid, name=name), phrase=name)
    letter = read_letter(row)
    assert "{{ link }}" in letter.text
    assert "<script>" not in letter.html
    assert "&lt;script&gt;{{ link }}&lt;/script&gt;{% debug %}" in letter.html
    jobs()
    assert postbox.mails[0]["Bcc"] is None


def test_header_cannot_be_added_by_a_name(project, postbox, jobs):
    row = Mail.objects.get(pk=post(project).pk)
    row.project.name = "Blog\r\nBcc: eve@example.com"
    row.project.save()
    jobs()
    assert postbox.mails[0]["Bcc"] is None
    assert postbox.recipients == [["ada@example.com"]]


def test_waiting_mail_is_unreadable_in_the_database(project, other_project):
    row = post(project)
    assert "s3cret" not in row.content
    assert "s3cret" in read_letter(row).text
    other = Mail.objects.get(pk=post(other_project).pk)
    Mail.objects.filter(pk=other.pk).update(content=row.content)
    other.refresh_from_db()
    with pytest.raises(JobFailedError):
        send_mail(mail_id=other.id)


def test_mails_are_kept_for_a_week(project):
    post(project)
    with time_machine.travel(clock.now() + timedelta(days=8), tick=False):
        post(project)
    assert Mail.objects.count() == 1


# The outbox page


@pytest.fixture
def ada(project):
    return create_console_admin(email="ada@example.com", password=PASSWORD)


def console_of(user):
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_without_a_server_the_console_shows_the_link(project, ada, jobs):
    row = post(project)
    assert not Job.objects.exists()
    console = console_of(ada)
    assert "ada@example.com" in console.get("/console/accounts/mail/").content.decode()
    page = console.get(f"/console/accounts/mail/{row.pk}/change/").content.decode()
    assert f'href="{LINK.replace("&", "&amp;")}"' in page


def test_outbox_is_read_only(project, ada):
    row = post(project)
    console = console_of(ada)
    assert console.get("/console/accounts/mail/add/").status_code == 403
    assert console.post(f"/console/accounts/mail/{row.pk}/delete/").status_code == 403
    console.post(f"/console/accounts/mail/{row.pk}/change/", {"recipient": "eve@example.com"})
    assert Mail.objects.get().recipient == "ada@example.com"


def test_outbox_shows_no_markup_of_a_mail(project, ada):
    row = post(project.__class__(id=project.id, uid=project.uid, name="<img src=x>"))
    page = console_of(ada).get(f"/console/accounts/mail/{row.pk}/change/").content.decode()
    assert "<img src=x>" not in page


def test_outbox_shows_whose_text_is_gone_or_unreadable(project, ada):
    row = post(project)
    console = console_of(ada)
    for content, said in (("", "not kept"), ("k:1:AAAA", "Cannot be read")):
        Mail.objects.update(content=content)
        page = console.get(f"/console/accounts/mail/{row.pk}/change/").content.decode()
        assert said in page


@pytest.mark.parametrize("role", [[], ["analyst"]])
def test_outbox_is_for_those_who_manage_the_project(project, ada, role):
    row = post(project)
    Membership.objects.update(roles=role)
    console = console_of(ada)
    assert "Confirm" not in console.get("/console/accounts/mail/").content.decode()
    page = console.get(f"/console/accounts/mail/{row.pk}/change/")
    assert "s3cret" not in page.content.decode()


def test_users_of_projects_see_no_outbox(project):
    sign_up(project, "alice")
    row = post(project)
    page = Client().get(f"/console/accounts/mail/{row.pk}/change/")
    assert page.status_code == 302
