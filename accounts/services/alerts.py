"""Mails that tell users of a new session of theirs."""

from accounts.devices import describe
from accounts.models import Session, User
from accounts.services.outbox import post_mail
from kernel.caller import Caller
from kernel.clock import api_time
from kernel.geoip import country_name

#: Whoever is let in by a mail, or by a server, needs none about it.
_SILENT_PROVIDERS = frozenset({"magic-url", "server"})


def alert(caller: Caller, user: User, session: Session) -> None:
    """Mail a user, in the transaction that opens a session of theirs; the first one is no news."""
    is_mailed = session.provider in _SILENT_PROVIDERS or "email" in session.factors
    others = Session.objects.filter(user_id=user.id).exclude(id=session.id)
    if not user.email or is_mailed or not others.exists():
        return
    device = describe(session.user_agent)
    project = caller.project
    post_mail(
        project,
        locale=caller.locale,
        recipient=user.email,
        template="session_alert",
        subject=f"A new sign-in to {project.name}",
        client=device.client_name or "an unknown client",
        system=device.os_name or "an unknown system",
        ip=session.ip,
        country=country_name(session.country_code, caller.locale) if session.country_code else "",
        time=api_time(session.created_at),
    )
