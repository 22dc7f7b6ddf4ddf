"""The mail server of a project, in place of the installation's; its password is encrypted."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from kernel import outbound
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from projects.encryption import decrypt, encrypt
from projects.models import Project
from projects.outputs import ProjectOutput
from projects.services.access import writable_project
from projects.services.projects import change, get_row, locked_row

DEFAULT_PORT = 587
_ENCRYPTED_FOR = "smtp"
_NEEDED = ("host", "senderEmail")


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mails of a project leave, and who they are from; `secure` is tls, ssl or nothing."""

    host: str
    port: int
    username: str
    password: str
    secure: str
    sender_email: str
    sender_name: str
    reply_to_email: str
    reply_to_name: str


def update_smtp(*, caller: Caller, project_id: str, fields: dict[str, Any]) -> ProjectOutput:
    """Set fields of a project's mail server, by their public names; the others stay.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, SMTP_CONFIG_INVALID
    """
    project = writable_project(caller, project_id)
    _check(get_row(project).smtp | fields)
    if fields.get("password"):
        fields["password"] = encrypt(
            fields["password"], project_id=project.id, purpose=_ENCRYPTED_FOR
        )
    with transaction.atomic():
        return change(caller, project, smtp=locked_row(project).smtp | fields)


def smtp_server(project: Project) -> SmtpServer | None:
    """Return the mail server a project has switched on.

    Raises:
        DecryptionError: Its password was encrypted under another master secret.
    """
    stored = project.smtp
    if not stored.get("enabled"):
        return None
    password = stored.get("password", "")
    if password:
        password = decrypt(password, project_id=project.id, purpose=_ENCRYPTED_FOR)
    return SmtpServer(
        host=stored["host"],
        port=stored.get("port") or DEFAULT_PORT,
        username=stored.get("username", ""),
        password=password,
        secure=stored.get("secure", ""),
        sender_email=stored["senderEmail"],
        sender_name=stored.get("senderName", ""),
        reply_to_email=stored.get("replyToEmail", ""),
        reply_to_name=stored.get("replyToName", ""),
    )


def _check(server: dict[str, Any]) -> None:
    if not server.get("enabled"):
        return
    missing = [name for name in _NEEDED if not server.get(name)]
    if missing:
        message = f"To switch it on, the mail server needs: {', '.join(missing)}."
        raise ApiError(ErrorKind.SMTP_CONFIG_INVALID, message)
    try:
        # Looked up again whenever a mail leaves: here a mistake is told at once.
        outbound.public_address(server["host"], server.get("port") or DEFAULT_PORT)
    except (outbound.ForbiddenTargetError, outbound.OutboundError) as error:
        raise ApiError(ErrorKind.SMTP_CONFIG_INVALID, f"{error}.") from None
