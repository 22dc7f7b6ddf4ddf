"""What must hold before an installation faces others: our share of `check --deploy`."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import WARNING, CheckMessage, Error, Tags, register, run_checks
from django.db import DEFAULT_DB_ALIAS, OperationalError

from kernel import sql

MIN_SECRET_BYTES = 32
MIN_DISTINCT_CHARACTERS = 8
MAX_SHARE_OF_RUNS = 0.5
WELL_KNOWN_WORDS = (
    "secret",
    "password",
    "changeme",
    "change-me",
    "change_me",
    "insecure",
    "example",
    "placeholder",
    "appwrite",
)
ADVICE = "Make a new one: openssl rand -base64 48"

_DURABILITY = (
    "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting <> 'on'"
    " ORDER BY name"
)


def findings() -> list[str]:
    """Return what stands in the way of production, one line each: what is wrong, what to do."""
    messages = run_checks(include_deployment_checks=True, databases=[DEFAULT_DB_ALIAS])
    return [
        " ".join(f"{each.msg} {each.hint or ''}".split())
        for each in messages
        if each.level >= WARNING and not each.is_silenced()
    ]


@register(Tags.security, deploy=True)
def check_hosts(**_: Any) -> list[CheckMessage]:
    """Refuse to answer to every name: pages elsewhere could then pass for this server."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    hint = "List the names clients use; that of APPWRITE_PUBLIC_URL is allowed anyway."
    return [Error("ALLOWED_HOSTS: * answers to any name.", hint=hint, id="projects.E001")]


@register(Tags.security, deploy=True)
def check_secret(**_: Any) -> list[CheckMessage]:
    """Refuse a master secret that somebody could guess."""
    problem = _weakness(settings.SECRET_KEY)
    if not problem:
        return []
    return [Error(f"APPWRITE_SECRET: {problem}.", hint=ADVICE, id="projects.E002")]


@register(Tags.security, deploy=True)
def check_public_url(**_: Any) -> list[CheckMessage]:
    """Refuse to send passwords and cookies in the clear to other machines."""
    url = urlsplit(settings.PUBLIC_URL)
    if settings.HAS_TLS or settings.IS_PUBLIC_URL_LOCAL or settings.ALLOW_HTTP:
        return []
    problem = f"APPWRITE_PUBLIC_URL: over http to {url.hostname} anybody on the way reads along."
    hint = "Put TLS in front and name its https address, or set ALLOW_HTTP=true in a trusted net."
    return [Error(problem, hint=hint, id="projects.E003")]


@register(Tags.security, Tags.database, deploy=True)
def check_durability(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Refuse a PostgreSQL that forgets acknowledged writes in a power cut."""
    try:
        switched_off = [row[0] for row in sql.fetch_all(_DURABILITY)] if databases else []
    except OperationalError:
        return []  # whoever needs the database says better what is wrong with it
    return [
        Error(
            f"PostgreSQL: {name} is off, so a power cut loses data.",
            hint=f"Set {name} = on in postgresql.conf and reload it.",
            id="projects.E004",
        )
        for name in switched_off
    ]


def _weakness(secret: str) -> str:
    """Return what makes a secret guessable, empty when nothing is seen."""
    size = len(secret.encode())
    if size < MIN_SECRET_BYTES:
        return f"{size} bytes are too few, {MIN_SECRET_BYTES} are needed"
    plain = secret.lower()
    if any(word in plain for word in WELL_KNOWN_WORDS):
        return "it reads like a well-known one"
    is_repeated = secret in (secret * 2)[1:-1]
    if is_repeated or len(set(secret)) < MIN_DISTINCT_CHARACTERS or _is_run(secret):
        return "it is too regular to be random"
    return ""


def _is_run(secret: str) -> bool:
    """Tell whether most characters follow on the one before, as in `abcd` or `1111`."""
    steps = [abs(ord(a) - ord(b)) <= 1 for a, b in pairwise(secret)]
    return sum(steps) > MAX_SHARE_OF_RUNS * len(steps)
