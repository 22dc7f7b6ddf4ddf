"""Mails: written from templates, and handed to the installation's SMTP server."""

import smtplib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, formataddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string

MAX_SUBJECT_LENGTH = 200
_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
_PERMANENT = range(500, 600)


class MailRefusedError(Exception):
    """The server will not take this mail, now or later."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says."""

    subject: str
    text: str
    html: str


def can_leave() -> bool:
    """Tell whether there is a server that mails are handed to."""
    return bool(settings.EMAIL_HOST)


def write(template: str, subject: str, context: dict[str, Any]) -> Letter:
    """Render `templates/emails/TEMPLATE`: what the context holds is text, in HTML and elsewhere."""
    return Letter(
        subject=" ".join(subject.split())[:MAX_SUBJECT_LENGTH],
        text=render_to_string(f"emails/{template}.txt", context),
        html=render_to_string(f"emails/{template}.html", context),
    )


def deliver(letter: Letter, *, recipient: str, sender: str, uid: str, date: datetime) -> None:
    """Hand a mail to the server; delivered twice it has the same Message-ID.

    Raises:
        MailRefusedError: The server refuses it for good.
        OSError: The server cannot be reached, or is busy; `smtplib`'s errors are of this kind.
    """
    connection = get_connection(_BACKEND)
    message = EmailMultiAlternatives(
        subject=letter.subject,
        body=letter.text,
        from_email=_from(sender),
        to=[recipient],
        headers={
            "Message-ID": f"<{uid}@{settings.PUBLIC_HOST}>",
            "Date": format_datetime(date),
            "Auto-Submitted": "auto-generated",
        },
        alternatives=[(letter.html, "text/html")],
        connection=connection,
    )
    try:
        _send(message, connection)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        if all(code in _PERMANENT for code in codes):
            raise MailRefusedError(f"recipient refused with {codes}") from None
        raise
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        if error.smtp_code in _PERMANENT:
            raise MailRefusedError(f"refused with {error.smtp_code}") from None
        raise


def _send(message: EmailMultiAlternatives, connection: BaseEmailBackend) -> None:
    try:
        message.send()
    finally:
        # A connection that failed half-way is left open.
        with suppress(OSError):
            connection.close()


def _from(sender: str) -> str:
    """Return the installation's address under the project's name."""
    return formataddr((" ".join(sender.split()), settings.DEFAULT_FROM_EMAIL))
