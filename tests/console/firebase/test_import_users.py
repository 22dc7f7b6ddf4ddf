"""Users of a Firebase project come with their passwords, providers and all else."""

import base64
import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.core.management import CommandError

from accounts import hashes
from accounts.models import Identity, User
from accounts.passwords import matches
from accounts.services import bulk_imports, create_user
from console.firebase.accounts import read_hash_config
from kernel.caller import Caller, CallerKind, ProjectContext
from kernel.models import OutboxEvent
from projects import services as projects
from projects.models import Project
from projects.oauth import PROVIDERS
from tests.client import ApiClient
from tests.conftest import ClientFor
from tests.console.firebase.conftest import ImportFirebase, skipped
from tests.console.firebase.exports import (
    HASH_CONFIG,
    PASSWORD,
    PASSWORD_HASH,
    SALT,
    provider,
    user,
    with_password,
    write_users,
)
from tests.reference import assert_model

Statements = Callable[[], AbstractContextManager[list[str]]]

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def test_a_user_comes_with_all_that_is_known_of_them(
    import_firebase: ImportFirebase, tmp_path: Path, hash_config: Path, key: ApiClient
):
    ada = with_password(
        "Ada5",
        emailVerified=True,
        displayName="Ada Lovelace",
        photoUrl="https://example.com/ada.png",
        phoneNumber="+4915112345678",
        lastSignedInAt="1700000000000",
        customAttributes='{"admin": true, "role": "editor", "level": 3, "off": false}',
        providerUserInfo=[
            provider("google.com", "g-1", email="Ada@Example.com"),
            provider("password", "ada5@example.com"),
            provider("playgames.google.com", "p-1"),
        ],
    )
    path, report = write_users(tmp_path / "users.json", [ada]), tmp_path / "skipped.jsonl"
    said = import_firebase(
        "--users", path, "--hash-config", hash_config, "--claim", "role", "--report", report
    )
    assert said.outcome["users"] == {"created": 1, "existing": 0, "skipped": 0}
    shown = key.get("/users/Ada5").json
    assert_model("User", shown)
    expected = {
        "$createdAt": "2020-09-13T12:26:40.123+00:00",
        "registration": "2020-09-13T12:26:40.123+00:00",
        "accessedAt": "2023-11-14T22:13:20.000+00:00",
        "email": "ada5@example.com",
        "emailVerification": True,
        "phone": "+4915112345678",
        "phoneVerification": True,
        "name": "Ada Lovelace",
        "status": True,
        "labels": ["admin", "editor"],
        "hash": "scryptMod",
        "prefs": {
            "firebaseClaims": {"role": "editor", "level": 3, "off": False},
            "photoURL": "https://example.com/ada.png",
        },
    }
    assert {name: shown[name] for name in expected} == expected
    identities = key.get("/users/identities").json["identities"]
    assert [(each["userId"], each["provider"], each["providerUid"]) for each in identities] == [
        ("Ada5", "google", "g-1")
    ]
    assert identities[0]["providerEmail"] == "ada@example.com"
    told = skipped(report)
    assert [(each["what"], each["reason"]) for each in told] == [
        ("incomplete", "the provider 'playgames.google.com' is not offered")
    ]
    assert told[0]["line"] == 2
    event = OutboxEvent.objects.get(name="users.Ada5.create")
    assert event.roles == ["user:Ada5"]
    assert event.payload["email"] == "ada5@example.com"
    assert "password" not in event.payload


def test_an_imported_user_signs_in_and_is_hashed_anew(
    import_firebase: ImportFirebase,
    tmp_path: Path,
    hash_config: Path,
    project: ProjectContext,
    client_for: ClientFor,
):
    path = write_users(tmp_path / "users.json", [with_password("ada"), with_password("bob")])
    import_firebase("--users", path, "--hash-config", hash_config)
    guest = client_for(project)
    sent = {"email": "ada@example.com", "password": PASSWORD}
    wrong = guest.post("/account/sessions/email", {**sent, "password": "user2password"})
    assert wrong.error == "user_invalid_credentials"
    assert guest.post("/account/sessions/email", sent).status == 201
    assert User.objects.get(uid="ada").password.startswith("argon2$argon2id$")
    assert User.objects.get(uid="bob").password.startswith("scryptMod$")


def test_every_provider_of_an_export_that_signs_in_here_comes_along(
    import_firebase: ImportFirebase, tmp_path: Path
):
    """By the provider's id: of some no address is verified, which would lead to their account."""
    offered = {
        "apple.com": "apple",
        "facebook.com": "facebook",
        "github.com": "github",
        "google.com": "google",
        "microsoft.com": "microsoft",
        "twitter.com": "x",
        "yahoo.com": "yahoo",
    }
    ada = user("ada", providerUserInfo=[provider(name, f"at {name}") for name in offered])
    import_firebase("--users", write_users(tmp_path / "users.json", [ada]))
    found = Identity.objects.values_list("provider", "provider_uid")
    assert dict(found) == {ours: f"at {theirs}" for theirs, ours in offered.items()}
    assert set(offered.values()) <= set(PROVIDERS)


def test_blocked_and_unnamed_users_come_as_they_are(
    import_firebase: ImportFirebase, tmp_path: Path, hash_config: Path, key: ApiClient
):
    path = write_users(
        tmp_path / "users.json",
        [with_password("eve", disabled=True), user("anon"), user("caller", phoneNumber="+491511")],
    )
    said = import_firebase("--users", path, "--hash-config", hash_config, "--dry-run")
    assert "1 without address, number or provider" in said.out
    assert not User.objects.filter(uid="anon").exists()
    said = import_firebase("--users", path, "--hash-config", hash_config)
    assert said.outcome["users"]["skipped"] == 1  # six digits are no number
    assert key.get("/users/eve").json["status"] is False
    assert key.get("/users/anon").json["email"] == ""


def test_what_cannot_come_is_told_with_its_line(
    import_firebase: ImportFirebase,
    tmp_path: Path,
    hash_config: Path,
    project: ProjectContext,
):
    create_user(
        caller=Caller(project=project, kind=CallerKind.KEY),
        user_id="there",
        email="there@example.com",
        phone="+4915100000000",
    )
    users = [
        user("a", email="no address"),
        {"email": "nobody@example.com"},
        user("b", email="there@example.com"),
        user("c", phoneNumber="+4915100000000"),
        user("d", email="twice@example.com", providerUserInfo=[provider("google.com", "1")]),
        user("e", email="twice@example.com"),
        user("f", providerUserInfo=[provider("google.com", "1"), provider("github.com", "")]),
        user("g", passwordHash="AAAA", salt=SALT, displayName="n" * 200),
        user("h" * 40, customAttributes="[]"),
        user("i", displayName="\ud800"),
        user("j", customAttributes='{"is-admin": true}'),
        user("k", customAttributes=json.dumps({"text": "x" * 70_000})),
        "no user",
    ]
    path = tmp_path / "users.json"
    path.write_text("[" + ",\n".join(json.dumps(each) for each in users) + "]")
    report = tmp_path / "skipped.jsonl"
    said = import_firebase("--users", path, "--hash-config", hash_config, "--report", report)
    assert said.outcome["users"] == {"created": 6, "existing": 0, "skipped": 7}
    assert [(each["what"], each["line"], each["reason"][:38]) for each in skipped(report)] == [
        ("skipped", 1, "email: Value must be a valid email add"),
        ("skipped", 2, "This is no user: there is no localId"),
        ("skipped", 3, "A user with the same email already exi"),
        ("skipped", 4, "A user with the same phone number alre"),
        ("skipped", 6, "A user with the same email already exi"),
        ("incomplete", 7, "the provider 'github.com' tells no id"),
        ("incomplete", 7, "somebody else has their identity at th"),
        ("incomplete", 8, "the name was cut to 128 characters"),
        ("incomplete", 8, "the password: The hash must be as long"),
        ("incomplete", 9, "the custom claims are no JSON object"),
        ("skipped", 10, "A text holds half a character (a lone "),
        ("incomplete", 11, "the claim 'is-admin' can be no label"),
        ("incomplete", 12, "the custom claims are too long, or hol"),
        ("skipped", 13, "This is no user: there is no localId"),
    ]
    assert User.objects.get(project_id=project.id, name="n" * 128).uid == "g"
    assert Identity.objects.get().user.uid == "d"
    (mapped,) = User.objects.in_project(project.id).exclude(uid__in=["there", *"abcdefghijk"])
    assert len(mapped.uid) == 20


def test_the_same_users_come_once_and_new_ones_join_them(
    import_firebase: ImportFirebase, tmp_path: Path, hash_config: Path, key: ApiClient
):
    options = ("--users", tmp_path / "users.json", "--hash-config", hash_config)
    write_users(tmp_path / "users.json", [with_password("ada")])
    import_firebase(*options)
    assert import_firebase(*options).outcome["users"]["existing"] == 1
    write_users(tmp_path / "users.json", [with_password("ada", displayName="A"), user("bob")])
    assert import_firebase(*options).outcome["users"] == {
        "created": 1,
        "existing": 1,
        "skipped": 0,
    }
    assert key.get("/users/ada").json["name"] == ""
    assert OutboxEvent.objects.filter(name="users.ada.create").count() == 1


def test_an_id_that_somebody_else_has_is_refused(
    import_firebase: ImportFirebase, tmp_path: Path, project: ProjectContext
):
    """A guest chooses their own id, and an address that they have not proven."""
    caller = Caller(project=project, kind=CallerKind.KEY)
    addresses = {name: f"{name}@example.com" for name in ("ada", "bob", "cay", "dan")}
    for name, address in addresses.items():
        create_user(caller=caller, user_id=name, email=address)
    User.objects.filter(uid="cay").update(is_email_verified=True)
    Identity.objects.create(
        project_id=project.id,
        user=User.objects.get(uid="dan"),
        uid="x",
        provider="google",
        provider_uid="g-1",
    )
    users = [
        user("ada"),
        user("bob", email=addresses["bob"], emailVerified=True),
        user("cay", email=addresses["cay"]),
        user("dan", providerUserInfo=[provider("google.com", "g-1")]),
    ]
    path, report = write_users(tmp_path / "users.json", users), tmp_path / "skipped.jsonl"
    outcome = import_firebase("--users", path, "--report", report).outcome
    assert outcome["users"] == {"created": 0, "existing": 2, "skipped": 2}
    assert [(each["id"], each["reason"][:28]) for each in skipped(report)] == [
        ("ada", "A user with the same id, ema"),
        ("bob", "A user with the same id, ema"),
    ]


def test_an_imported_user_who_changed_stays_the_same_one(
    import_firebase: ImportFirebase, tmp_path: Path, project: ProjectContext
):
    path = write_users(tmp_path / "users.json", [user("ada", email="ada@example.com")])
    import_firebase("--users", path)
    User.objects.filter(uid="ada").update(email="other@example.com")
    outcome = import_firebase("--users", path).outcome
    assert outcome["users"] == {"created": 0, "existing": 1, "skipped": 0}


def test_passwords_come_along_or_are_left_behind_on_purpose(
    import_firebase: ImportFirebase, tmp_path: Path
):
    path = write_users(tmp_path / "users.json", [with_password("ada")])
    with pytest.raises(CommandError, match="1 users have passwords"):
        import_firebase("--users", path)
    assert not User.objects.filter(uid="ada").exists()
    import_firebase("--users", path, "--without-passwords")
    assert User.objects.get(uid="ada").password == ""


def test_a_project_takes_no_more_users_than_it_may_have(
    import_firebase: ImportFirebase, tmp_path: Path, project: ProjectContext
):
    Project.objects.filter(id=project.id).update(user_limit=2)
    projects.drop_project()
    path = write_users(tmp_path / "users.json", [user("a"), user("b"), user("c")])
    outcome = import_firebase("--users", path).outcome
    assert outcome["users"] == {"created": 2, "existing": 0, "skipped": 1}


def test_a_batch_is_tried_again_when_somebody_signs_up_meanwhile(
    import_firebase: ImportFirebase,
    tmp_path: Path,
    project: ProjectContext,
    monkeypatch: pytest.MonkeyPatch,
):
    row = bulk_imports._row
    rivals = [True]

    def rival(*args):
        if rivals and rivals.pop():
            caller = Caller(project=project, kind=CallerKind.KEY)
            create_user(caller=caller, user_id="rival", email="ada@example.com")
        return row(*args)

    monkeypatch.setattr(bulk_imports, "_row", rival)
    path = write_users(tmp_path / "users.json", [user("ada", email="ada@example.com"), user("b")])
    outcome = import_firebase("--users", path).outcome
    assert outcome["users"]["created"] == 2
    assert not rivals
    assert User.objects.in_project(project.id).filter(email="ada@example.com").count() == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rounds: 8", "The parameter base64_signer_key is missing"),
        (HASH_CONFIG.replace("SCRYPT", "BCRYPT"), "The algorithm BCRYPT is not SCRYPT"),
        (HASH_CONFIG.replace("rounds: 8", "rounds: 80"), "The rounds must be 1 to 8"),
        (HASH_CONFIG.replace("mem_cost: 14", "mem_cost: x"), "invalid literal"),
        (HASH_CONFIG.replace("jxspr", "jxsp"), "The hash and its parameters must be base64"),
    ],
)
def test_faulty_hash_parameters_are_refused(
    import_firebase: ImportFirebase, tmp_path: Path, hash_config: Path, text: str, reason: str
):
    path = write_users(tmp_path / "users.json", [with_password("ada")])
    hash_config.write_text(text)
    with pytest.raises(CommandError, match=reason):
        import_firebase("--users", path, "--hash-config", hash_config)


@pytest.mark.parametrize("indent", [None, 2])
def test_hash_parameters_are_read_as_json(indent: int | None):
    shown = read_hash_config(HASH_CONFIG)
    parameters = {
        "algorithm": "SCRYPT",
        "base64_signer_key": shown.signer_key,
        "base64_salt_separator": shown.salt_separator,
        "rounds": 8,
        "mem_cost": "14",
    }
    for written in (parameters, {"hash_config": parameters}):
        assert read_hash_config(json.dumps(written, indent=indent)) == shown


def test_hashes_of_other_costs_are_kept_with_them():
    key = b"k" * 64
    derived = hashlib.scrypt(b"secret", salt=b"salt\x07", n=2**4, r=2, p=1, dklen=64)
    cipher = Cipher(algorithms.AES(derived[:32]), modes.CTR(bytes(16)))
    stored, salt, separator, signer = (
        base64.b64encode(each).decode()
        for each in (cipher.encryptor().update(key), b"salt", b"\x07", key)
    )
    encoded = hashes.read_scrypt_modified(
        stored, salt=salt, separator=separator, signer_key=signer, rounds=2, memory_cost=4
    )
    assert matches("secret", encoded)
    assert not matches("secrets", encoded)
    usual = hashes.read_scrypt_modified(stored, salt=salt, separator=separator, signer_key=signer)
    assert not matches("secret", usual)
    assert PASSWORD_HASH not in usual


def test_a_batch_takes_as_many_statements_however_many_users_it_has(
    import_firebase: ImportFirebase, tmp_path: Path, statements: Statements
):
    counts = []
    for number in (2, 40):
        users = [
            with_password(
                f"n{number}u{n}", providerUserInfo=[provider("google.com", f"{number}{n}")]
            )
            for n in range(number)
        ]
        path = write_users(tmp_path / f"{number}.json", users)
        with statements() as seen:
            import_firebase("--users", path, "--without-passwords")
        counts.append(len(seen))
    assert counts[0] == counts[1]
    assert OutboxEvent.objects.get(name="users.n2u1.create").payload["targets"]
