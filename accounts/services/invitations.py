"""Invitations to teams: mailed by an owner, accepted once by whoever reads the mail."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from accounts.events import announce_identity, publish_team
from accounts.links import link_to
from accounts.models import Membership, User
from accounts.outputs import MembershipOutput, membership_output
from accounts.services import contacts
from accounts.services.outbox import post_mail
from accounts.services.sessions import OpenedSession, new_session, open_session
from accounts.tokens import PROOF_SECRET_BYTES, Purpose, token_digest
from kernel import clock, sql
from kernel.caller import Caller, CallerKind
from kernel.errors import ApiError, ErrorKind
from kernel.event_names import id_part
from kernel.limits import INVITATION_SECONDS

_PROVIDER = "email"

# One statement: of many who follow the link at the same moment one gets in.
_ACCEPT = """
    UPDATE membership SET is_confirmed = true, joined_at = %(now)s, updated_at = %(now)s,
        invitation_digest = NULL, invitation_expires_at = NULL
    WHERE id = %(id)s AND invitation_digest = %(digest)s AND invitation_expires_at > %(now)s
"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted invitation, and the session of whoever was not signed in."""

    membership: MembershipOutput
    session: OpenedSession | None


def invite(caller: Caller, membership: Membership, url: str) -> None:
    """Mail a link to a membership that is about to be stored; older links of it are over.

    Raises: USER_EMAIL_NOT_FOUND, PHONE_DISABLED
    """
    user, team = membership.user, membership.team
    if not user.email:
        if user.phone:
            raise ApiError(ErrorKind.PHONE_DISABLED, "Invitations leave by mail alone.")
        raise ApiError(ErrorKind.USER_EMAIL_NOT_FOUND)
    secret = secrets.token_hex(PROOF_SECRET_BYTES)
    membership.invitation_digest = _digest(membership, user, secret)
    membership.invitation_expires_at = clock.now() + timedelta(seconds=INVITATION_SECONDS)
    post_mail(
        caller.project,
        locale=caller.locale,
        recipient=user.email,
        template=str(Purpose.INVITATION),
        subject=f"Invitation to {team.name}",
        team=team.name,
        link=link_to(
            url,
            membershipId=membership.uid,
            userId=user.uid,
            secret=secret,
            teamId=team.uid,
            teamName=team.name,
        ),
    )


def update_membership_status(
    *, caller: Caller, team_id: str, membership_id: str, user_id: str, secret: str
) -> Accepted:
    """Accept an invitation by the secret that was mailed; a guest is signed in by it.

    Raises: MEMBERSHIP_NOT_FOUND, TEAM_MEMBERSHIP_MISMATCH, MEMBERSHIP_ALREADY_CONFIRMED,
        TEAM_INVITE_MISMATCH, TEAM_INVALID_SECRET, USER_BLOCKED, USER_EMAIL_NOT_VERIFIED,
        USER_INVALID_TOKEN
    """
    membership = _find(caller, team_id, membership_id)
    user = membership.user
    if user.uid != user_id or (caller.is_user and caller.user_id != user.id):
        raise ApiError(ErrorKind.TEAM_INVITE_MISMATCH)
    if membership.is_confirmed:
        raise ApiError(ErrorKind.MEMBERSHIP_ALREADY_CONFIRMED)
    now = clock.now()
    proof = {"now": now, "id": membership.id, "digest": _digest(membership, user, secret)}
    with transaction.atomic():
        if not sql.execute(_ACCEPT, proof):
            raise ApiError(ErrorKind.TEAM_INVALID_SECRET)
        if not user.is_active:
            raise ApiError(ErrorKind.USER_BLOCKED)
        membership.is_confirmed, membership.joined_at, membership.updated_at = True, now, now
        user = membership.user = contacts.prove(
            caller, user, contacts.EMAIL, user.email or "", keeps_access=caller.is_user
        )
        opened = None
        if caller.kind is CallerKind.GUEST:
            session = new_session(caller, user, _PROVIDER, factor=_PROVIDER)
            opened = open_session(caller, user, session)
        return Accepted(publish_membership(caller, membership, "update.status"), opened)


def hidden_from(caller: Caller) -> frozenset[str]:
    """Return the fields of memberships that are not for this caller."""
    return frozenset() if caller.is_privileged else caller.project.policies.hidden_of_members


def publish_membership(caller: Caller, membership: Membership, action: str) -> MembershipOutput:
    """Tell of a changed membership, whose user has other roles now; return it for the caller.

    Members hear of it, so that the news hide what members do not see.
    """
    user, team = membership.user, membership.team
    hidden = caller.project.policies.hidden_of_members
    news = membership_output(membership, user=user, team=team, hidden=hidden)
    name = f"memberships.{id_part(membership.uid)}.{action}"
    publish_team(caller, team.uid, name, news, changed=user.uid)
    announce_identity(caller.project.id, user_uid=user.uid, reason="teams")
    return membership_output(membership, user=user, team=team, hidden=hidden_from(caller))


def _find(caller: Caller, team_uid: str, uid: str) -> Membership:
    memberships = Membership.objects.in_project(caller.project.id).select_related("user", "team")
    membership = memberships.filter(uid=uid, user__deleted_at=None).first()
    if membership is None:
        raise ApiError(ErrorKind.MEMBERSHIP_NOT_FOUND)
    if membership.team.uid != team_uid:
        raise ApiError(ErrorKind.TEAM_MEMBERSHIP_MISMATCH)
    return membership


def _digest(membership: Membership, user: User, secret: str) -> bytes:
    """Return what stands for an invitation: it is good for one membership and one address."""
    content = f"{membership.uid}\x00{user.email}\x00{secret}"
    return token_digest(
        content, project_id=user.project_id, user_uid=user.uid, purpose=Purpose.INVITATION
    )
