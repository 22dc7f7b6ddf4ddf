"""News of accounts: event names and receivers, and word to open sockets of changed identities."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.db import transaction

from accounts.authentication import forget_identities
from accounts.models import User
from accounts.outputs import account_output
from kernel import notify
from kernel.caller import Caller
from kernel.event_names import id_part
from kernel.events import Event, publish
from kernel.recent import renew

IDENTITY_CHANNEL = "appwrite_identity"


def user_event(caller: Caller, user: User, action: str) -> Event:
    """Return the news `users.ID.action`, of which the user alone may learn."""
    return _event(
        caller,
        f"users.{id_part(user.uid)}.{action}",
        dict(account_output(user)),
        f"user:{user.uid}",
    )


def session_event(
    caller: Caller, *, user_uid: str, session_uid: str, action: str, payload: Mapping[str, Any]
) -> Event:
    """Return the news `users.ID.sessions.ID.action`."""
    name = f"users.{id_part(user_uid)}.sessions.{id_part(session_uid)}.{action}"
    return _event(caller, name, {**payload, "secret": ""}, f"user:{user_uid}")


def publish_token(
    caller: Caller, user_uid: str, kind: str, action: str, payload: Mapping[str, Any]
) -> None:
    """Publish `users.ID.KIND.ID.action` of a single-use token: `tokens`, `recovery`, and so on."""
    name = f"users.{id_part(user_uid)}.{kind}.{id_part(payload['$id'])}.{action}"
    publish(_event(caller, name, {**payload, "secret": ""}, f"user:{user_uid}"))


def publish_challenge(caller: Caller, user_uid: str, payload: Mapping[str, Any]) -> None:
    name = f"users.{id_part(user_uid)}.challenges.{id_part(payload['$id'])}.create"
    publish(_event(caller, name, dict(payload), f"user:{user_uid}"))


def publish_identity(
    caller: Caller, user_uid: str, identity_uid: str, action: str, payload: Mapping[str, Any]
) -> None:
    """Publish `users.ID.identities.ID.action`."""
    name = f"users.{id_part(user_uid)}.identities.{id_part(identity_uid)}.{action}"
    publish(_event(caller, name, dict(payload), f"user:{user_uid}"))


def publish_target(caller: Caller, user_uid: str, action: str, payload: Mapping[str, Any]) -> None:
    """Publish `users.ID.targets.ID.action`."""
    name = f"users.{id_part(user_uid)}.targets.{id_part(payload['$id'])}.{action}"
    publish(_event(caller, name, dict(payload), f"user:{user_uid}"))


def publish_template(caller: Caller, kind: str, payload: Mapping[str, Any]) -> None:
    """Publish `templates.KIND.update`, of which those who own the project may learn."""
    role = f"team:{caller.project.team_uid}"
    publish(_event(caller, f"templates.{id_part(kind)}.update", dict(payload), role))


def publish_user(caller: Caller, user: User, action: str) -> None:
    publish(user_event(caller, user, action))


def publish_team(
    caller: Caller, team_uid: str, action: str, payload: Mapping[str, Any], *, changed: str = ""
) -> None:
    """Publish `teams.ID.action`; `changed` names the user whose roles it changed."""
    name = f"teams.{id_part(team_uid)}.{action}"
    publish(_event(caller, name, dict(payload), f"team:{team_uid}", changed=changed))


def announce_identity(
    project_id: int, *, user_uid: str, reason: str, session_uid: str = ""
) -> None:
    """Have every process look a user's callers up again, once this transaction is committed."""
    change = {
        "project": project_id,
        "user": user_uid,
        "session": session_uid,
        "reason": reason,
    }
    payload = orjson.dumps(change).decode()
    transaction.on_commit(lambda: _announce(project_id, payload))


def hear_identity(payload: str) -> None:
    """Take word of a changed identity; an empty one says that some may have been missed."""
    forget_identities(orjson.loads(payload)["project"] if payload else 0)


def _announce(project_id: int, payload: str) -> None:
    renew(project_id)  # at once, for whoever made the change and calls again
    notify.post(IDENTITY_CHANNEL, payload)


def _event(
    caller: Caller, name: str, payload: dict[str, Any], role: str, *, changed: str = ""
) -> Event:
    return Event(
        name=name,
        project_id=caller.project.id,
        project_uid=caller.project.uid,
        payload=payload,
        roles=(role,),
        actor=caller.actor,
        permissions_changed=changed,
    )
