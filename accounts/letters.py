"""Mails in a project's own words: templates in a sandbox, with variables and nothing else.

There are no tags, no filters and no files to include: a template of one project reaches nothing
but the texts it is given.
"""

import html
import re
from collections.abc import Mapping
from typing import ClassVar

from django.template import Context, Engine, TemplateSyntaxError
from django.utils.html import strip_tags

MAX_SUBJECT_LENGTH = 200
_LINE_ENDS = re.compile(r"<br\s*/?>|</(?:p|div|h[1-6]|li|tr)>", re.IGNORECASE)
_UNSEEN = re.compile(r"<(style|script|head)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BLANK_LINES = re.compile(r"\n\s*\n\s*")


class _Sandbox(Engine):
    default_builtins: ClassVar[list[str]] = []


_FOR_HTML = _Sandbox(autoescape=True)
_FOR_TEXT = _Sandbox(autoescape=False)


def check_template(source: str) -> str:
    """Return a template that can be rendered.

    Raises:
        ValueError: It holds a tag, a filter, or a variable that is not closed.
    """
    try:
        _FOR_TEXT.from_string(source)
    except TemplateSyntaxError as error:
        raise ValueError(f"Templates hold variables like {{{{project}}}} alone: {error}") from None
    return source


def render_html(source: str, known: Mapping[str, str]) -> str:
    """Fill in a template; what the variables hold is text and no markup."""
    return _FOR_HTML.from_string(source).render(Context(dict(known)))


def render_subject(source: str, known: Mapping[str, str]) -> str:
    """Fill in the line that a mail is listed by."""
    line = _FOR_TEXT.from_string(source).render(Context(dict(known), autoescape=False))
    return " ".join(line.split())[:MAX_SUBJECT_LENGTH]


def as_text(markup: str) -> str:
    """Return what a reader without HTML sees of a mail."""
    lines = _LINE_ENDS.sub("\n", _UNSEEN.sub("", markup))
    plain = html.unescape(strip_tags(lines))
    return _BLANK_LINES.sub("\n\n", "\n".join(map(str.strip, plain.splitlines()))).strip() + "\n"
