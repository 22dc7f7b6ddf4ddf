"""A project's own words for the mails to its users."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.template.loader import render_to_string

from accounts import mail
from accounts.events import publish_template
from accounts.models import EmailTemplate
from accounts.outputs import EmailTemplateList, EmailTemplateOutput, email_template_output
from accounts.services.outbox import post_mail
from accounts.services.own_letters import TEMPLATES, VARIABLES
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.listing import cut_page
from projects.services.access import writable_project

SUBJECTS = {
    "verification": "Confirm your address",
    "magicSession": "Sign in to {{project}}",
    "recovery": "A new password for {{project}}",
    "invitation": "Invitation to {{team}}",
    "mfaChallenge": "Your code for {{project}}",
    "sessionAlert": "A new sign-in to {{project}}",
    "otpSession": "Your code for {{project}}",
}
_KNOWN = ("project", "team", "phrase", "ip", "country", "time")


def list_email_templates(
    *, caller: Caller, queries: Sequence[str] = (), total: bool = True
) -> EmailTemplateList:
    """Return a page of the templates a project has made its own.

    Raises: ARGUMENT_INVALID
    """
    rows = EmailTemplate.objects.filter(project_id=caller.project.id).order_by("id")
    page, count = cut_page(list(rows), queries, has_total=total)
    return {"total": count, "templates": [email_template_output(each) for each in page]}


def get_email_template(
    *, caller: Caller, template_id: str, locale: str = ""
) -> EmailTemplateOutput:
    """Return a project's own template for a locale, or else the built-in one."""
    return email_template_output(_find(caller, template_id, locale))


def update_email_template(
    *, caller: Caller, template_id: str, locale: str = "", **columns: Any
) -> EmailTemplateOutput:
    """Make a template a project's own, with these columns; what is None stays.

    Raises: ARGUMENT_INVALID
    """
    given = {name: value for name, value in columns.items() if value is not None}
    defaults = _find(caller, template_id, locale)
    with transaction.atomic():
        row, _ = EmailTemplate.objects.update_or_create(
            project_id=caller.project.id,
            kind=template_id,
            locale=locale,
            defaults=given,
            create_defaults={"subject": defaults.subject, "message": defaults.message, **given},
        )
        output = email_template_output(row)
        publish_template(caller, template_id, output)
    return output


def delete_email_template(
    *, caller: Caller, project_id: str, template_id: str, locale: str = ""
) -> None:
    """Return to the built-in template.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, TEMPLATE_DEFAULT_DELETION
    """
    project = writable_project(caller, project_id)
    rows = EmailTemplate.objects.filter(project_id=project.id, kind=template_id, locale=locale)
    if not rows.delete()[0]:
        raise ApiError(ErrorKind.TEMPLATE_DEFAULT_DELETION)


@transaction.atomic
def create_smtp_test(*, caller: Caller, emails: Sequence[str]) -> None:
    """Send a mail to try the server out.

    Raises: SMTP_DISABLED
    """
    if not mail.can_leave(caller.project):
        raise ApiError(ErrorKind.SMTP_DISABLED)
    for email in dict.fromkeys(emails):
        post_mail(
            caller.project,
            recipient=email,
            template="smtp_test",
            subject=f"A test of the mails of {caller.project.name}",
        )


def _find(caller: Caller, kind: str, locale: str) -> EmailTemplate:
    own = EmailTemplate.objects.filter(project_id=caller.project.id, kind=kind, locale=locale)
    return own.first() or _built_in(kind, locale)


def _built_in(kind: str, locale: str) -> EmailTemplate:
    """Return the built-in template of a kind, its variables under their public names."""
    names = {ours: name for name, ours in VARIABLES.items()}
    shown = {name: f"{{{{{names.get(name, name)}}}}}" for name in (*_KNOWN, *names)}
    message = render_to_string(f"emails/{TEMPLATES[kind]}.html", shown)
    return EmailTemplate(kind=kind, locale=locale, subject=SUBJECTS[kind], message=message)
