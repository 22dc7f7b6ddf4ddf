"""Text messages to users: written down in the transaction that causes them, sent by a job.

Without a provider they stay where the console shows them, so that codes can be entered all the
same.
"""

from datetime import timedelta
from typing import Any

from accounts import sms
from accounts.models import TextMessage
from accounts.tokens import new_code
from kernel import clock, jobs
from kernel.caller import ProjectContext
from kernel.ids import unique_id
from kernel.limits import CODE_SECONDS, MAIL_RETENTION_SECONDS
from projects.encryption import DecryptionError, decrypt, encrypt
from projects.services import find_mock_code

SEND_JOB = "accounts.send_text"
ENCRYPTED_FOR = "text message"
MAX_ERROR_LENGTH = 512


def post_text(project: ProjectContext, *, recipient: str, template: str, **context: Any) -> None:
    """Write a message down, to be sent once this transaction is committed."""
    now, uid = clock.now(), unique_id()
    oldest = now - timedelta(seconds=MAIL_RETENTION_SECONDS)
    TextMessage.objects.filter(project_id=project.id, created_at__lt=oldest).delete()
    body = sms.write(template, {"project": project.name, **context})
    row = TextMessage.objects.create(
        project_id=project.id,
        uid=uid,
        recipient=recipient,
        content=encrypt(body, project_id=project.id, purpose=ENCRYPTED_FOR, bound_to=uid),
        created_at=now,
    )
    if sms.can_leave():
        jobs.enqueue(SEND_JOB, text_id=row.id)


def post_code(project: ProjectContext, phone: str) -> str:
    """Return the code a number gets: a new one by a text, or the one that a mock phone always has.

    A mock phone has nobody to read a text, so none goes out.
    """
    mock_code = find_mock_code(project, phone)
    if mock_code:
        return mock_code
    code = new_code()
    post_text(project, recipient=phone, template="otp", code=code)
    return code


def send_text(*, text_id: int) -> None:
    """Send a message that has not been, and forget what it said.

    Raises:
        JobFailedError: The provider refuses it for good, or its code is over.
        OSError: The provider cannot be reached; to be tried again.
    """
    row = TextMessage.objects.select_related("project").filter(id=text_id, sent_at=None).first()
    if row is None:
        return
    try:
        _check_age(row)
        sms.deliver(
            sms.Text(
                uid=row.uid,
                recipient=row.recipient,
                body=read_text(row),
                project=row.project.uid,
            )
        )
    except (sms.TextRefusedError, DecryptionError) as error:
        _note(row, error)
        raise jobs.JobFailedError(str(error)) from error
    except OSError as error:
        _note(row, error)
        raise
    TextMessage.objects.filter(id=row.id).update(sent_at=clock.now(), content="", error="")


def read_text(row: TextMessage) -> str:
    """Return what a message says, nothing where it was sent.

    Raises:
        DecryptionError: It was written under another master secret.
    """
    if not row.content:
        return ""
    return decrypt(row.content, project_id=row.project_id, purpose=ENCRYPTED_FOR, bound_to=row.uid)


def _check_age(row: TextMessage) -> None:
    if clock.now() - row.created_at > timedelta(seconds=CODE_SECONDS):
        raise sms.TextRefusedError("the code was over before the provider took it")


def _note(row: TextMessage, error: Exception) -> None:
    said = f"{type(error).__name__}: {error}"[:MAX_ERROR_LENGTH].replace("\x00", "")
    TextMessage.objects.filter(id=row.id).update(error=said)
