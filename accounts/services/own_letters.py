"""Mails in a project's own words, where it has any for them."""

from collections.abc import Mapping
from typing import Any

from accounts.letters import as_text, render_html, render_subject
from accounts.mail import Letter
from accounts.models import EmailTemplate
from kernel.caller import ProjectContext

#: The built-in templates by the public ids of those that take their place.
TEMPLATES = {
    "verification": "verification",
    "magicSession": "magic_url",
    "recovery": "recovery",
    "invitation": "invitation",
    "mfaChallenge": "mfa_challenge",
    "sessionAlert": "session_alert",
    "otpSession": "otp",
}
#: The public names of variables that the built-in templates call otherwise.
VARIABLES = {"redirect": "link", "otp": "code", "agentClient": "client", "agentDevice": "system"}
_KINDS = {template: kind for kind, template in TEMPLATES.items()}


def own_letter(
    project: ProjectContext, template: str, locale: str, known: Mapping[str, Any]
) -> Letter | None:
    """Return a mail by the project's template for this locale, or else for all of them."""
    kind = _KINDS.get(template)
    rows = EmailTemplate.objects.filter(
        project_id=project.id, kind=kind or "", locale__in=("", locale)
    )
    row = rows.order_by("-locale").first() if kind else None
    if row is None:
        return None
    texts = {name: str(value) for name, value in known.items()}
    texts |= {name: texts[ours] for name, ours in VARIABLES.items() if ours in texts}
    markup = render_html(row.message, texts)
    return Letter(
        subject=render_subject(row.subject, texts),
        text=as_text(markup),
        html=markup,
        sender_name=row.sender_name,
        sender_email=row.sender_email,
        reply_to_name=row.reply_to_name,
        reply_to_email=row.reply_to_email,
    )
