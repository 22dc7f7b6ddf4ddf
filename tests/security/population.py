"""A project that holds one of everything, made through the public API."""

from collections.abc import Mapping

from accounts.models import Identity, Passkey, User
from documents.views.attributes import TYPED_VIEWS
from kernel import jobs
from kernel.caller import CONSOLE_PROJECT, ProjectContext
from kernel.scopes import PROJECT_KEY_SCOPES
from projects import services as projects
from projects import signing
from projects.models import Project
from tests.client import ApiClient
from tests.conftest import sign_up
from tests.security.values import ATTRIBUTE_EXTRAS
from tests.security.world import World, attribute_key, client, found, made, make_key


def populate(name: str) -> World:
    """Make a project that holds one of everything, all of it named after the project."""
    console = found(CONSOLE_PROJECT)
    projects.create_project(caller=projects.operator(), project_id=name, name=name.title())
    owner = sign_up(console, f"{name}-owner")
    member = client(console, session=owner.session)
    made(member.post("/teams", {"teamId": f"{name}-owners", "name": "Owners"}))
    projects.update_team(caller=projects.operator(), project_id=name, team_id=f"{name}-owners")
    project = found(name)
    signing.newest_key(name, "world")  # the first use makes the ring
    server = client(project, key=make_key(project, PROJECT_KEY_SCOPES))
    person = sign_up(project, f"{name}-user")
    ids = {
        "projectId": name,
        "ownersId": f"{name}-owners",
        "userId": person.uid,
        "teamId": f"{name}-team",
        "databaseId": f"{name}-base",
        "collectionId": f"{name}-posts",
        "tableId": f"{name}-posts",
        "documentId": f"{name}-post",
        "rowId": f"{name}-post",
        "platformId": f"{name}-web",
        "key": "title",
        "attribute": "of_integer",
        "column": "of_integer",
        "serviceId": "teams",
        "protocolId": "graphql",
        "providerId": "github",
        "policyId": "user-limit",
        "templateId": "recovery",
        "methodId": "jwt",
        "provider": "github",
        "identityId": f"{name}-identity",
        "targetId": f"{name}-target",
        "number": f"1556{sum(map(ord, name)):07}",
    }
    ids |= _people(server, ids, name)
    ids |= _passkeys(server, project, ids)
    ids |= _factors(server, client(project, session=person.session))
    _providers(server, project, ids)
    _platforms(server, name)
    _documents(server, ids, name)
    _mails(server, project)
    _phones(server, ids)
    ids["transactionId"] = made(server.post("/databases/transactions", {}))["$id"]
    return World(
        project=project,
        ids=ids,
        server=server,
        user=client(project, session=person.session),
        owner=member,
        guest=client(project),
        canary=name,
    )


def _people(server: ApiClient, ids: Mapping[str, str], name: str) -> dict[str, str]:
    made(server.post("/teams", {"teamId": ids["teamId"], "name": f"Team of {name}"}))
    place = made(
        server.post(
            f"/teams/{ids['teamId']}/memberships", {"userId": ids["userId"], "roles": ["owner"]}
        )
    )
    number = f"+1555{sum(map(ord, name)):07}"
    made(server.patch(f"/users/{ids['userId']}/phone", {"number": number}), 200)
    made(server.patch(f"/users/{ids['userId']}/prefs", {"prefs": {"of": name}}), 200)
    session = made(server.post(f"/users/{ids['userId']}/sessions", {}))
    key = made(
        server.post(
            "/project/keys", {"keyId": f"{name}-key", "name": name, "scopes": ["users.read"]}
        )
    )
    return {"membershipId": place["$id"], "sessionId": session["$id"], "keyId": key["$id"]}


def _factors(server: ApiClient, user: ApiClient) -> dict[str, str]:
    """Give a user codes, an app not yet confirmed, a challenge passed and one to be delivered."""
    code = made(user.post("/account/mfa/recovery-codes"))["recoveryCodes"][0]
    asked = made(user.post("/account/mfa/challenges", {"factor": "recoverycode"}))
    made(user.put("/account/mfa/challenges", {"challengeId": asked["$id"], "otp": code}), 200)
    made(user.post("/account/mfa/authenticators/totp"), 200)
    made(server.patch("/project/policies/mfa-factors", {"custom": True}), 200)
    projects.drop_project()
    asked = made(user.post("/account/mfa/challenges", {"factor": "custom"}))
    return {"challengeId": asked["$id"]}


def _passkeys(server: ApiClient, project: ProjectContext, ids: Mapping[str, str]) -> dict[str, str]:
    """Let the project's page ask for passkeys, and give its user one."""
    domain = f"{ids['projectId']}.example.com"
    made(server.patch("/project/policies/passkey", {"rpId": domain}), 200)
    passkey = Passkey.objects.create(
        project_id=project.id,
        user=User.objects.get(project_id=project.id, uid=ids["userId"]),
        uid=f"{ids['projectId']}-passkey",
        rp_id="localhost",
        credential_id=domain.encode(),
    )
    return {"passkeyId": passkey.uid}


def _providers(server: ApiClient, project: ProjectContext, ids: Mapping[str, str]) -> None:
    client = {"clientId": ids["projectId"], "clientSecret": "hidden", "enabled": True}
    made(server.patch("/project/oauth2/github", client), 200)
    Identity.objects.create(
        project_id=project.id,
        user=User.objects.get(project_id=project.id, uid=ids["userId"]),
        uid=ids["identityId"],
        provider="github",
        provider_uid=f"of {ids['projectId']}",
    )


def _platforms(server: ApiClient, name: str) -> None:
    for type_, identifier in (
        ("web", "hostname"),
        ("apple", "bundleIdentifier"),
        ("android", "applicationId"),
        ("linux", "packageName"),
        ("windows", "packageIdentifierName"),
    ):
        value = {"platformId": f"{name}-{type_}", "name": name, identifier: f"{name}.example.com"}
        made(server.post(f"/project/platforms/{type_}", value))


def _phones(server: ApiClient, ids: Mapping[str, str]) -> None:
    """A device that messages go to, and a number that is none."""
    device = {"targetId": ids["targetId"], "providerType": "push", "identifier": ids["targetId"]}
    made(server.post(f"/users/{ids['userId']}/targets", device))
    made(server.post("/project/mock-phones", {"number": f"+{ids['number']}", "otp": "123456"}))


def _mails(server: ApiClient, project: ProjectContext) -> None:
    """Words of its own, and a mail server that is not there."""
    made(server.patch("/project/templates/email", {"templateId": "recovery", "subject": "M"}), 200)
    smtp = {"enabled": True, "host": "mail.invalid", "senderEmail": "made@example.com"}
    Project.objects.filter(id=project.id).update(smtp=smtp)
    projects.drop_project()


def _documents(server: ApiClient, ids: Mapping[str, str], name: str) -> None:
    base = f"/databases/{ids['databaseId']}"
    made(server.post("/databases", {"databaseId": ids["databaseId"], "name": name}))
    attributes = [
        {
            "key": attribute_key(type_),
            "type": type_,
            "required": False,
            **ATTRIBUTE_EXTRAS.get(type_, {}),
        }
        for type_ in TYPED_VIEWS
    ]
    collection = {
        "collectionId": ids["collectionId"],
        "name": f"Posts of {name}",
        "permissions": ['create("users")'],
        "documentSecurity": True,
        "attributes": attributes,
        "indexes": [{"key": "by_title", "type": "key", "attributes": ["title"]}],
    }
    made(server.post(f"{base}/collections", collection))
    people = f"{name}-people"
    made(server.post(f"{base}/collections", {"collectionId": people, "name": "People"}))
    relationship = {"relatedCollectionId": people, "type": "manyToMany", "key": "friends"}
    made(server.post(f"{base}/collections/{people}/attributes/relationship", relationship), 202)
    jobs.run_waiting()
    document = {
        "documentId": ids["documentId"],
        "data": {"title": f"Secret of {name}"},
        "permissions": [f'read("user:{ids["userId"]}")', f'update("user:{ids["userId"]}")'],
    }
    made(server.post(f"{base}/collections/{ids['collectionId']}/documents", document))
