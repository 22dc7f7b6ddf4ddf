"""Passwords that are known from data breaches, as a service tells that learns little of them.

Of a password's SHA-1 the first five hex digits leave; the answer holds the rest of every known
one that begins so, among made-up ones that hide how many there are (haveibeenpwned.com, API v3,
"Searching by range").
"""

import hashlib
import logging
import re
import time
from dataclasses import dataclass

from django.conf import settings

from kernel import outbound

#: Somebody waits to be let in meanwhile.
TIMEOUT_SECONDS = 2.0
#: A service that did not answer is not asked again before.
PAUSE_SECONDS = 30.0
PREFIX_LENGTH = 5
_HEADERS = {"Add-Padding": "true", "User-Agent": "appwrite-clone"}
_LINE = re.compile(r"([0-9A-F]{35}):([0-9]+)", re.IGNORECASE)

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pause:
    until: float = 0.0

    def begin(self) -> None:
        self.until = time.monotonic() + PAUSE_SECONDS

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until


pause = _Pause()


def is_pwned(password: str) -> bool | None:
    """Tell whether a password is known from a data breach; None where the service does not."""
    if not pause.is_over:
        return None
    # What the service knows passwords by; nothing is kept under it.
    content = password.encode("utf-8", "surrogatepass")
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest().upper()
    try:
        counts = _counts(digest[:PREFIX_LENGTH])
    except (outbound.OutboundError, outbound.ForbiddenTargetError, ValueError) as error:
        pause.begin()
        _logger.warning("passwords are not compared with breaches for a while: %s", error)
        return None
    return counts.get(digest[PREFIX_LENGTH:], 0) > 0


def _counts(prefix: str) -> dict[str, int]:
    """Return how often each password of a range was seen, by the rest of its digest."""
    url = f"{settings.PWNED_PASSWORDS_URL}/range/{prefix}"
    reply = outbound.send("GET", url, headers=_HEADERS, seconds=TIMEOUT_SECONDS)
    if not reply.is_success:
        raise ValueError(f"the service answered {reply.status}")
    counts = {}
    for line in reply.body.decode("ascii").split():
        if not (found := _LINE.fullmatch(line)):
            raise ValueError("the service answered something else")
        counts[found[1].upper()] = int(found[2])
    return counts
