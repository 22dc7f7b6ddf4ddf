"""Shapes of requests about the words of mails, and the server that sends them."""

import re
from dataclasses import dataclass
from typing import Any

from accounts.inputs.checks import or_empty
from accounts.letters import check_template
from kernel.fields import email, list_of, one_of, optional, required, text, uid

MAX_SUBJECT_TEMPLATE_LENGTH = 255
MAX_TEMPLATE_LENGTH = 1024 * 1024
MAX_TEST_MAILS = 10
TEMPLATE_KINDS = (
    "verification",
    "magicSession",
    "recovery",
    "invitation",
    "mfaChallenge",
    "sessionAlert",
    "otpSession",
)

_LOCALE = re.compile(r"(?:[a-z]{2}(?:-[a-z]{2})?)?\Z")


def locale(value: object) -> str:
    """A language, or one of a country: `de` or `de-at`; an empty text stands for all."""
    name = value.lower() if isinstance(value, str) else None
    if name is None or not _LOCALE.match(name):
        raise ValueError("Value must be a language code")
    return name


def template(maximum: int) -> Any:
    """A template of a mail, of at most so many characters."""
    check = text(maximum, minimum=1)
    return lambda value: check_template(check(value))


@dataclass(frozen=True, kw_only=True)
class EmailTemplateInput:
    template_id: str = required(one_of(TEMPLATE_KINDS))
    locale: str = optional(locale, default="")


@dataclass(frozen=True, kw_only=True)
class UpdateEmailTemplateInput(EmailTemplateInput):
    subject: str | None = optional(template(MAX_SUBJECT_TEMPLATE_LENGTH))
    message: str | None = optional(template(MAX_TEMPLATE_LENGTH))
    sender_name: str | None = optional(text(MAX_SUBJECT_TEMPLATE_LENGTH))
    sender_email: str | None = optional(or_empty(email))
    reply_to_name: str | None = optional(text(MAX_SUBJECT_TEMPLATE_LENGTH))
    reply_to_email: str | None = optional(or_empty(email))


@dataclass(frozen=True, kw_only=True)
class DeleteEmailTemplateInput:
    project_id: str = required(uid)
    template_id: str = required(one_of(TEMPLATE_KINDS), name="type")
    locale: str = optional(locale, default="")


@dataclass(frozen=True, kw_only=True)
class SmtpTestInput:
    emails: list[str] = required(list_of(email, maximum=MAX_TEST_MAILS))
