"""Two projects that hold the same ids; the second one's rows carry a word no answer may show."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from accounts import services as accounts
from accounts.models import Passkey, User
from accounts.roles import role_group_ids
from documents import services as documents
from documents.vocabulary import COLLECTIONS
from kernel.caller import Caller, CallerKind, ProjectContext
from kernel.models import OutboxEvent
from kernel.scopes import GUEST_SCOPES, PROJECT_KEY_SCOPES
from projects import services as projects
from projects.models import Key, Platform, Project
from tests.client import ApiClient
from tests.conftest import PASSWORD, sign_up
from tests.documents.blog import DATABASE, make_collection, operator

CANARY = "nightingale"


@dataclass(frozen=True)
class World:
    """What an attacker holds in the project `shop`, and what is theirs to find in `blog`."""

    held: dict[str, str]
    ids: dict[str, str]
    victim: Project
    before: dict[str, str]


def _fill(project: ProjectContext, word: str) -> dict[str, str]:
    """Give a project the rows both have; names of the victim's hold the word to look for."""
    caller = operator(project)
    alice = sign_up(project, "alice")
    accounts.create_user(
        caller=caller,
        user_id="victim",
        email=f"{word}@example.com",
        phone=None,
        password=PASSWORD,
        name=word,
    )
    team = accounts.create_team(caller=caller, team_id="writers", name=word)
    membership = accounts.create_membership(
        caller=caller, team_id=team["$id"], roles=["owner"], user_id="alice"
    )
    projects.create_platform(
        caller=projects.operator(),
        project_id=project.uid,
        platform_type="web",
        name=word,
        hostname=f"{word}.example.com",
        key="",
        store="",
    )
    Passkey.objects.create(
        project_id=project.id, user=User.objects.get(project=project.id, uid="victim"), uid="phone"
    )
    _write_posts(project, word)
    # Any write names the roles its permissions speak of, before it is judged: they say nothing.
    role_group_ids(project.id, ["any", "guests", "users"])
    session = accounts.list_user_sessions(caller=caller, user_id="alice")["sessions"][0]
    accounts.create_target(
        caller=caller,
        user_id="victim",
        target_id="device",
        provider_type="push",
        identifier=word,
    )
    projects.create_mock_phone(
        caller=projects.operator(), project_id=project.uid, number="+15550001111", otp="123456"
    )
    staging = documents.create_transaction(caller=caller, ttl=3600)
    return {
        "transaction": staging["$id"],
        "secret": alice.session,
        "session": session["$id"],
        "team": team["$id"],
        "membership": membership["$id"],
        "platform": Platform.objects.get(project=project.id).uid,
        "challenge": _ask_for_factor(project),
    }


def _ask_for_factor(project: ProjectContext) -> str:
    """Let a server of the project deliver a code to the user `victim`; returns the challenge."""
    projects.update_policy(
        caller=projects.operator(),
        project_id=project.uid,
        policy_id="mfa-factors",
        fields={"custom": True},
    )
    projects.drop_project()
    changed = projects.find_project(project.uid)
    assert changed is not None
    user = User.objects.get(project=project.id, uid="victim")
    caller = Caller(
        project=changed,
        kind=CallerKind.SESSION,
        user_id=user.id,
        user_uid=user.uid,
    )
    return accounts.create_mfa_challenge(caller=caller, factor="custom")["$id"]


def _write_posts(project: ProjectContext, word: str) -> None:
    make_collection(project, permissions=['create("users")'], document_security=True)
    for uid in ("p", "secret"):
        documents.create_document(
            caller=operator(project),
            names=COLLECTIONS,
            database_id=DATABASE,
            collection_id="posts",
            document_id=uid,
            data={"title": word},
            permissions=[f'{action}("user:alice")' for action in ("read", "update", "delete")],
        )


@pytest.fixture
def world(
    project: ProjectContext,
    other_project: ProjectContext,
    console_project: ProjectContext,
    make_key: Any,
) -> World:
    own, theirs = _fill(other_project, "ordinary"), _fill(project, CANARY)
    key = make_key(other_project, PROJECT_KEY_SCOPES)
    make_key(project, PROJECT_KEY_SCOPES)
    accounts.create_console_admin(email="mallory@example.com", password=PASSWORD)
    guest = Caller(project=console_project, scopes=GUEST_SCOPES)
    console = accounts.create_email_password_session(
        caller=guest, email="mallory@example.com", password=PASSWORD
    )
    # The first administrator adopts all projects; this one must not keep the victim's.
    Project.objects.filter(uid="blog").update(team_uid="strangers", name=CANARY)
    projects.drop_project()
    jwt = ApiClient({"X-Appwrite-Project": "shop", "X-Appwrite-Session": own["secret"]})
    victim = Project.objects.get(uid="blog")
    return World(
        held={
            "key": key,
            "session": own["secret"],
            "jwt": jwt.post("/account/jwts").json["jwt"],
            "console": console.packed_secret,
        },
        ids=theirs
        | {
            "key": Key.objects.get(project=victim).uid,
            "own key": Key.objects.get(project__uid="shop").uid,
        },
        victim=victim,
        before=rows_of(victim),
    )


def rows_of(project: Project) -> dict[str, str]:
    """Return a digest of every table's rows that belong to a project."""
    found = {}
    for model, path in tables():
        rows = model._default_manager.filter(**{path: project.pk}).order_by("pk").values_list()
        found[model._meta.label] = hashlib.sha256(repr(list(rows)).encode()).hexdigest()
    return found


def tables() -> Iterator[tuple[type[models.Model], str]]:
    """Yield every model whose rows belong to a project, with the lookup that leads there."""
    yield OutboxEvent, "project_id"
    for model in apps.get_models():
        path = _path_to_project(model)
        if path:
            yield model, path


def _path_to_project(model: type[models.Model], depth: int = 4) -> str:
    if model is Project:
        return "pk"
    if not model._meta.managed:  # allauth's, which have no table
        return ""
    for field in model._meta.get_fields() if depth else ():
        if isinstance(field, models.ForeignKey):
            rest = _path_to_project(field.related_model, depth - 1)
            if rest:
                return field.name if rest == "pk" else f"{field.name}__{rest}"
    return ""
