"""Mails to users: written down in the transaction that causes them, sent by a job.

Without an SMTP server, of the project or the installation, they stay where the console shows them,
so that links can be followed all the same.
"""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import orjson

from accounts import mail
from accounts.mail import Letter
from accounts.models import Mail
from accounts.services.own_letters import own_letter
from kernel import clock, jobs
from kernel.caller import ProjectContext
from kernel.ids import unique_id
from kernel.limits import MAIL_RETENTION_SECONDS
from kernel.turns import forget_turns, take_turn
from projects.encryption import DecryptionError, decrypt, encrypt
from projects.services import smtp_server

SEND_JOB = "accounts.send_mail"
ENCRYPTED_FOR = "mail"
MAX_ERROR_LENGTH = 512
#: Mails that wait for a server at the same time before the others wait for what it says to them,
#: and how long these do at most. Each holds a worker, which has the jobs of all to do.
FREE_TURNS = 2
LONGEST_WAIT_SECONDS = 60
_ANSWERS = (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)


def post_mail(  # whom, what, in which words
    project: ProjectContext,
    *,
    recipient: str,
    template: str,
    subject: str,
    locale: str = "",
    **context: Any,
) -> None:
    """Write a mail down, to be sent once this transaction is committed.

    The project's own template takes the place of the built-in one, that of the locale first.
    """
    known = {"project": project.name, **context}
    letter = own_letter(project, template, locale, known) or mail.write(template, subject, known)
    now, uid = clock.now(), unique_id()
    oldest = now - timedelta(seconds=MAIL_RETENTION_SECONDS)
    Mail.objects.filter(project_id=project.id, created_at__lt=oldest).delete()
    said = {name: value for name, value in asdict(letter).items() if name != "subject" and value}
    content = orjson.dumps(said).decode()
    row = Mail.objects.create(
        project_id=project.id,
        uid=uid,
        recipient=recipient,
        subject=letter.subject,
        content=encrypt(content, project_id=project.id, purpose=ENCRYPTED_FOR, bound_to=uid),
        created_at=now,
    )
    if mail.can_leave(project):
        jobs.enqueue(SEND_JOB, mail_id=row.id)


def send_mail(*, mail_id: int) -> None:
    """Send a mail that has not been, and forget what it said.

    Raises:
        JobFailedError: The server refuses it for good.
        JobPostponedError: The server has said nothing to others of late.
        OSError: The server cannot be reached; to be tried again.
    """
    row = Mail.objects.select_related("project").filter(id=mail_id, sent_at=None).first()
    if row is None:
        return
    try:
        server = smtp_server(row.project)
        with _turn(f"mail:{row.project_id if server else ''}"):
            mail.deliver(
                read_letter(row),
                recipient=row.recipient,
                sender=row.project.name,
                uid=row.uid,
                date=row.created_at,
                server=server,
            )
    except (mail.MailRefusedError, DecryptionError) as error:
        _note(row, error)
        raise jobs.JobFailedError(str(error)) from error
    except OSError as error:
        _note(row, error)
        raise
    Mail.objects.filter(id=row.id).update(sent_at=clock.now(), content="", error="")


@contextmanager
def _turn(server: str) -> Iterator[None]:
    """Let few mails at a time wait for a server that may say nothing."""
    if wait := take_turn(server, free=FREE_TURNS, longest_seconds=LONGEST_WAIT_SECONDS):
        raise jobs.JobPostponedError(wait)
    try:
        yield
    except OSError as error:
        if isinstance(error, _ANSWERS):
            forget_turns(server)
        raise
    except (mail.MailRefusedError, DecryptionError):
        forget_turns(server)
        raise
    forget_turns(server)


def read_letter(row: Mail) -> Letter:
    """Return what a mail says, nothing where it was sent.

    Raises:
        DecryptionError: It was written under another master secret.
    """
    if not row.content:
        return Letter(row.subject, "", "")
    content = decrypt(
        row.content, project_id=row.project_id, purpose=ENCRYPTED_FOR, bound_to=row.uid
    )
    return Letter(row.subject, **({"text": "", "html": ""} | orjson.loads(content)))


def _note(row: Mail, error: Exception) -> None:
    said = f"{type(error).__name__}: {error}"[:MAX_ERROR_LENGTH].replace("\x00", "")
    Mail.objects.filter(id=row.id).update(error=said)
