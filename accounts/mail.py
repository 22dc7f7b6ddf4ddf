"""Mails: written from templates, and handed to the SMTP server of the project, or of all."""

import smtplib
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, formataddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.template.loader import render_to_string

from accounts.letters import MAX_SUBJECT_LENGTH
from kernel import outbound
from kernel.caller import ProjectContext
from projects.services import SmtpServer

#: How long a project's server may take for a mail; each of its answers has `EMAIL_TIMEOUT`.
MAX_SECONDS = 60.0
_PERMANENT = range(500, 600)


class MailRefusedError(Exception):
    """The server will not take this mail, now or later."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says; who it is from is the project's own server's to say."""

    subject: str
    text: str
    html: str
    sender_name: str = ""
    sender_email: str = ""
    reply_to_name: str = ""
    reply_to_email: str = ""


class _GuardedSmtp(smtplib.SMTP):
    """Connects to public servers only, at an address that was checked, and for a bounded time."""

    _cut_off: outbound.CutOff | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        address = (str(outbound.public_address(host, port)), port)
        connected = socket.create_connection(address, timeout, self.source_address)
        self._cut_off = outbound.CutOff(MAX_SECONDS)
        self._cut_off.start(connected)
        return connected

    def close(self) -> None:
        super().close()
        if self._cut_off is not None:
            self._cut_off.cancel()


class _GuardedSmtpSsl(smtplib.SMTP_SSL, _GuardedSmtp):
    """The same, in TLS from the first byte: the certificate is checked by the server's name."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        try:
            return super()._get_socket(host, port, timeout)
        except OSError:
            self.close()
            raise


class _ProjectBackend(EmailBackend):
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _GuardedSmtpSsl if self.use_ssl else _GuardedSmtp


def can_leave(project: ProjectContext) -> bool:
    """Tell whether there is a server that mails of a project are handed to."""
    return project.has_smtp or bool(settings.EMAIL_HOST)


def write(template: str, subject: str, context: dict[str, Any]) -> Letter:
    """Render `templates/emails/TEMPLATE`: what the context holds is text, in HTML and elsewhere."""
    return Letter(
        subject=" ".join(subject.split())[:MAX_SUBJECT_LENGTH],
        text=render_to_string(f"emails/{template}.txt", context),
        html=render_to_string(f"emails/{template}.html", context),
    )


def deliver(
    letter: Letter,
    *,
    recipient: str,
    sender: str,
    uid: str,
    date: datetime,
    server: SmtpServer | None = None,
) -> None:
    """Hand a mail to the project's server or the installation's; it keeps its Message-ID.

    Raises:
        MailRefusedError: The server refuses it for good.
        OSError: The server cannot be reached, or is busy; `smtplib`'s errors are of this kind.
    """
    connection = _connection(server)
    mailbox, reply_to = _from(letter, sender, server)
    message = EmailMultiAlternatives(
        subject=letter.subject,
        body=letter.text,
        from_email=mailbox,
        to=[recipient],
        reply_to=reply_to,
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
    except outbound.ForbiddenTargetError as error:
        raise MailRefusedError(str(error)) from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        if all(code in _PERMANENT for code in codes):
            raise MailRefusedError(f"recipient refused with {codes}") from None
        raise
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        if error.smtp_code in _PERMANENT:
            raise MailRefusedError(f"refused with {error.smtp_code}") from None
        raise


def _send(message: EmailMultiAlternatives, connection: EmailBackend) -> None:
    try:
        message.send()
    finally:
        # A connection that failed half-way is left open.
        with suppress(OSError):
            connection.close()


def _connection(server: SmtpServer | None) -> EmailBackend:
    if server is None:
        return EmailBackend()
    return _ProjectBackend(
        host=server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        use_tls=server.secure == "tls",
        use_ssl=server.secure == "ssl",
        timeout=settings.EMAIL_TIMEOUT,
    )


def _from(letter: Letter, sender: str, server: SmtpServer | None) -> tuple[str, list[str]]:
    """Return who a mail is from and who answers go to.

    The installation's server sends from its own address alone, under the project's name.
    """
    if server is None:
        return _mailbox(sender, settings.DEFAULT_FROM_EMAIL), []
    name = letter.sender_name or server.sender_name or sender
    mailbox = _mailbox(name, letter.sender_email or server.sender_email)
    reply_to = letter.reply_to_email or server.reply_to_email
    reply_to_name = letter.reply_to_name or server.reply_to_name
    return mailbox, [_mailbox(reply_to_name, reply_to)] if reply_to else []


def _mailbox(name: str, address: str) -> str:
    return formataddr((" ".join(name.split()), address))
