"""The other side of mails: a local SMTP server, and the mails that wait in the outbox."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller

from accounts.models import Mail, TextMessage
from accounts.services import read_letter, read_text
from tests.ports import free_port

START_SECONDS = 60

_LINK = re.compile(r"^\S+:\S*secret=\S+$", re.MULTILINE)
_TEXTED = re.compile(r"\b[0-9]{6}\b")
_CODE = re.compile(r"^[0-9]{6}$", re.MULTILINE)


class Postbox:
    """What a local SMTP server took, and the answer it gives instead of taking more."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.answer = ""
        self.answer_to_recipient = ""

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:  # noqa: N802  # aiosmtpd's name
        if self.answer_to_recipient:
            return self.answer_to_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802  # aiosmtpd's name
        if self.answer:
            return self.answer
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"


@contextmanager
def smtp_server(settings: Any) -> Iterator[Postbox]:
    """Run a local SMTP server that the settings lead to."""
    postbox = Postbox()
    port = free_port()
    controller = Controller(postbox, hostname="127.0.0.1", port=port, ready_timeout=START_SECONDS)
    controller.start()
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    try:
        yield postbox
    finally:
        controller.stop()


def newest_text(recipient: str = "") -> str:
    """Return what the newest mail that waits says."""
    rows = Mail.objects.filter(**({"recipient": recipient} if recipient else {}))
    row = rows.order_by("-id").first()
    assert row is not None
    return read_letter(row).text


def newest_link(recipient: str = "") -> tuple[str, dict[str, str]]:
    """Return the link of the newest mail: what stands before its query, and the query."""
    link = _LINK.search(newest_text(recipient))
    assert link is not None
    parts = urlsplit(link.group())
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return link.group().partition("?")[0], query


def newest_code(recipient: str = "") -> str:
    """Return the code of the newest mail."""
    code = _CODE.search(newest_text(recipient))
    assert code is not None
    return code.group()


def newest_text_code(recipient: str = "") -> str:
    """Return the code of the newest message to a phone that waits."""
    rows = TextMessage.objects.filter(**({"recipient": recipient} if recipient else {}))
    row = rows.order_by("-id").first()
    assert row is not None
    code = _TEXTED.search(read_text(row))
    assert code is not None
    return code.group()
