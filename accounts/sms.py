"""Text messages: written from templates, and handed to the installation's provider.

A provider is a function that takes a `Text` and makes one HTTP request of it.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from django.conf import settings
from django.template.loader import render_to_string

from kernel import outbound

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
#: Refusals that may not be the last word: too slow, too many.
_TEMPORARY = frozenset({408, 425, 429})
#: Vonage answers 200 to everything; these statuses say to try again.
_VONAGE_SENT = "0"
_VONAGE_TEMPORARY = frozenset({"1", "5"})


class TextRefusedError(Exception):
    """The provider will not take this message, now or later."""


@dataclass(frozen=True, slots=True)
class Text:
    """A message to a phone; sent twice it has the same `uid`."""

    uid: str
    recipient: str
    body: str
    project: str


def can_leave() -> bool:
    """Tell whether there is a provider that messages are handed to."""
    return settings.SMS_PROVIDER in _PROVIDERS


def write(template: str, context: dict[str, Any]) -> str:
    """Render `templates/texts/TEMPLATE.txt` in one line."""
    return " ".join(render_to_string(f"texts/{template}.txt", context).split())


def deliver(text: Text) -> None:
    """Hand a message to the provider.

    Raises:
        TextRefusedError: The provider refuses it for good.
        OSError: The provider cannot be reached, or is busy.
    """
    try:
        _PROVIDERS[settings.SMS_PROVIDER](text)
    except outbound.ForbiddenTargetError as error:
        raise TextRefusedError(str(error)) from error


def _twilio(text: Text) -> None:
    """Send by Twilio's Programmable Messaging API."""
    account = settings.SMS_USERNAME
    form = {"To": text.recipient, "From": settings.SMS_FROM, "Body": text.body}
    token = base64.b64encode(f"{account}:{settings.SMS_PASSWORD}".encode()).decode()
    _post(
        f"{settings.SMS_URL}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json",
        {**_FORM, "Authorization": f"Basic {token}"},
        urlencode(form).encode(),
    )


def _vonage(text: Text) -> None:
    """Send by Vonage's SMS API, which says in the body what came of it."""
    form = {
        "api_key": settings.SMS_USERNAME,
        "api_secret": settings.SMS_PASSWORD,
        "from": settings.SMS_FROM.removeprefix("+"),
        "to": text.recipient.removeprefix("+"),
        "text": text.body,
        "type": "text" if text.body.isascii() else "unicode",
        "client-ref": text.uid,
    }
    reply = _post(f"{settings.SMS_URL}/sms/json", _FORM, urlencode(form).encode())
    status = _vonage_status(reply.body)
    if status in _VONAGE_TEMPORARY:
        raise outbound.OutboundError(f"the provider is busy (status {status})")
    if status != _VONAGE_SENT:
        raise TextRefusedError(f"refused with status {status}")


def _vonage_status(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["messages"][0]["status"])
    except (orjson.JSONDecodeError, LookupError, TypeError):
        raise outbound.OutboundError("the provider's answer cannot be read") from None


def _webhook(text: Text) -> None:
    """Send to an address of the operator's, signed as https://www.standardwebhooks.com says."""
    content = orjson.dumps(
        {
            "from": settings.SMS_FROM,
            "to": text.recipient,
            "text": text.body,
            "project": text.project,
        }
    )
    now = str(int(time.time()))
    signed = b".".join((text.uid.encode(), now.encode(), content))
    digest = hmac.new(settings.SMS_PASSWORD.encode(), signed, hashlib.sha256).digest()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": text.uid,
        "webhook-timestamp": now,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    _post(settings.SMS_URL, headers, content)


def _post(url: str, headers: dict[str, str], content: bytes) -> outbound.Reply:
    reply = outbound.send("POST", url, headers=headers, content=content)
    if reply.is_success:
        return reply
    if reply.status >= 500 or reply.status in _TEMPORARY:
        raise outbound.OutboundError(f"the provider answers {reply.status}")
    raise TextRefusedError(f"refused with {reply.status}")


_PROVIDERS: dict[str, Callable[[Text], None]] = {
    "twilio": _twilio,
    "vonage": _vonage,
    "webhook": _webhook,
}
