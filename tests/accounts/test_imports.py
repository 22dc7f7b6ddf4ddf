"""Users who come with the password hashes of other systems."""

import hashlib
from typing import Any

import bcrypt
import pytest

from accounts.hashes import SHA_VERSIONS
from accounts.models import User
from accounts.passwords import Argon2Hasher
from tests.reference import assert_model

PASSWORD = "appwrite"
FIREBASE: dict[str, Any] = {
    # The sample that Firebase publishes with its own implementation.
    "password": (
        "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
    ),
    "passwordSalt": "42xEC+ixf3L2lw==",
    "passwordSaltSeparator": "Bw==",
    "passwordSignerKey": (
        "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
    ),
}
FIREBASE_PASSWORD = "user1password"
SCRYPT: dict[str, Any] = {
    "password": hashlib.scrypt(b"appwrite", salt=b"s$lt", n=16, r=8, p=2, dklen=64).hex(),
    "passwordSalt": "s$lt",
    "passwordCpu": 16,
    "passwordMemory": 8,
    "passwordParallel": 2,
    "passwordLength": 64,
}
BCRYPT = bcrypt.hashpw(b"appwrite", bcrypt.gensalt(4)).decode()
ARGON2 = "$argon2i$v=19$m=20,t=3,p=2$YXBwd3JpdGU$A/54i238ed09ZR4NwlACU5XnkjNBZU9QeOEuhjLiexI"
PHPASS = "$P$Br387rwferoKN7uwHZqNMu98q3U8RO."
MD5 = hashlib.md5(b"appwrite", usedforsecurity=False).hexdigest()
SHA = {
    version: hashlib.new(name, b"appwrite").hexdigest() for version, name in SHA_VERSIONS.items()
}

#: Per path: what is sent, the password that fits, and what answers show of the hash.
KINDS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "argon2": (
        {"password": ARGON2},
        PASSWORD,
        {"type": "argon2", "memoryCost": 20, "timeCost": 3, "threads": 2},
    ),
    "bcrypt": ({"password": BCRYPT}, PASSWORD, {"type": "bcrypt"}),
    "md5": ({"password": MD5.upper()}, PASSWORD, {"type": "md5"}),
    "phpass": ({"password": PHPASS}, PASSWORD, {"type": "phpass"}),
    "sha": ({"password": SHA["sha3-512"]}, PASSWORD, {"type": "sha"}),
    "scrypt": (
        SCRYPT,
        PASSWORD,
        {"type": "scrypt", "costCpu": 16, "costMemory": 8, "costParallel": 2, "length": 64},
    ),
    "scrypt-modified": (
        FIREBASE,
        FIREBASE_PASSWORD,
        {
            "type": "scryptMod",
            "salt": FIREBASE["passwordSalt"],
            "saltSeparator": FIREBASE["passwordSaltSeparator"],
            "signerKey": FIREBASE["passwordSignerKey"],
        },
    ),
}
MODELS = {
    "argon2": "AlgoArgon2",
    "bcrypt": "AlgoBcrypt",
    "md5": "AlgoMd5",
    "phpass": "AlgoPhpass",
    "sha": "AlgoSha",
    "scrypt": "AlgoScrypt",
    "scrypt-modified": "AlgoScryptModified",
}


def imported(server, path, **sent):
    body = {"userId": "ada", "email": "Ada@example.com", "name": "Ada", **sent}
    return server.post(f"/users/{path}", body)


def login(client, password):
    return client.post(
        "/account/sessions/email", {"email": "ada@example.com", "password": password}
    )


@pytest.mark.parametrize("path", KINDS)
def test_imported_user_logs_in_and_is_hashed_anew(project, client_for, server, events, path):
    sent, password, shown = KINDS[path]
    made = imported(server, path, **sent)
    assert made.status == 201
    assert_model("User", made.json)
    assert_model(MODELS[path], made.json["hashOptions"])
    assert (made.json["hash"], made.json["hashOptions"]) == (shown["type"], shown)
    assert (made.json["email"], made.json["password"]) == ("ada@example.com", "")
    assert events.names() == ["users.ada.create"]
    before = User.objects.get(uid="ada")
    guest = client_for(project)
    assert login(guest, "another password").error == "user_invalid_credentials"
    assert User.objects.get(uid="ada").password == before.password
    assert login(guest, password).status == 201
    after = User.objects.get(uid="ada")
    assert after.password.startswith("argon2$argon2id$v=19$m=8,")
    assert after.password_updated_at == before.password_updated_at
    assert server.get("/users/ada").json["hash"] == "argon2"
    assert login(guest, password).status == 201
    assert login(guest, "another password").error == "user_invalid_credentials"


@pytest.mark.parametrize("version", SHA_VERSIONS)
def test_sha_is_taken_in_every_version(project, client_for, server, version):
    sent = {"password": SHA[version], "passwordVersion": version.upper()}
    assert imported(server, "sha", **sent).status == 201
    assert login(client_for(project), PASSWORD).status == 201


def test_scrypt_takes_large_costs_of_usual_systems(project, client_for, server):
    stored = (
        "3fdef49701bc4cfaacd551fe017283513284b4731e6945c263246ef948d3cf63"
        "b5d269c31fd697246085111a428245e24a4ddc6b64c687bc60a8910dbafc1d5b"
    )
    costs = {"passwordSalt": "appwrite", "passwordCpu": 16384, "passwordMemory": 13}
    assert imported(server, "scrypt", **SCRYPT | costs | {"password": stored}).status == 201
    assert login(client_for(project), PASSWORD).status == 201


def test_bcrypt_counts_the_first_72_bytes_alone(project, client_for, server):
    stored = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    imported(server, "bcrypt", password=stored)
    assert login(client_for(project), "x" * 100).status == 201


def test_firebase_hash_may_be_written_for_urls(project, client_for, server):
    url_safe = str.maketrans("+/", "-_")
    imported(server, "scrypt-modified", **{k: v.translate(url_safe) for k, v in FIREBASE.items()})
    assert login(client_for(project), FIREBASE_PASSWORD).status == 201


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("argon2", {"password": "$argon2id$v=19$m=x"}),
        ("argon2", {"password": "$argon2id$v=19$m=8,t=1,p=1$\u00e4$\u00e4"}),
        ("argon2", {"password": ARGON2.replace("m=20", "m=4194304")}),
        ("argon2", {"password": ARGON2.replace("t=3", "t=300")}),
        ("bcrypt", {"password": BCRYPT[:-1]}),
        ("bcrypt", {"password": BCRYPT.replace("$04$", "$31$")}),
        ("bcrypt", {"password": BCRYPT + "\n"}),
        ("md5", {"password": MD5[:-2]}),
        ("md5", {"password": "z" * 32}),
        ("phpass", {"password": PHPASS[:-1]}),
        ("phpass", {"password": PHPASS.replace("$P$B", "$P$S")}),
        ("sha", {"password": SHA["sha1"]}),
        ("sha", {"password": SHA["sha1"], "passwordVersion": "sha2"}),
        ("sha", {"password": SHA["sha1"], "passwordVersion": ["sha1"]}),
        ("scrypt", {**SCRYPT, "passwordCpu": 15}),
        ("scrypt", {**SCRYPT, "passwordCpu": 2**20, "passwordMemory": 1024}),
        ("scrypt", {**SCRYPT, "passwordCpu": -16}),
        ("scrypt", {**SCRYPT, "passwordMemory": 0}),
        ("scrypt", {**SCRYPT, "passwordParallel": 2**20}),
        ("scrypt", {**SCRYPT, "passwordLength": 32}),
        ("scrypt", {**SCRYPT, "passwordSalt": "x" * 129}),
        ("scrypt-modified", {**FIREBASE, "passwordSalt": "*"}),
        ("scrypt-modified", {**FIREBASE, "passwordSignerKey": "c2hvcnQ="}),
        ("scrypt-modified", {**FIREBASE, "passwordSignerKey": "", "password": "short===="}),
        ("md5", {"password": MD5, "email": "nobody"}),
        ("md5", {"password": {}}),
        ("md5", {}),
    ],
)
def test_hash_nobody_could_use_or_that_costs_too_much_is_refused(server, events, path, sent):
    reply = imported(server, path, **sent)
    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    assert events.names() == []
    assert not User.objects.filter(uid="ada").exists()


def test_import_needs_the_scope(project, client_for, make_key):
    weak = client_for(project, key=make_key(project, ["users.read"]))
    for client in (weak, client_for(project)):
        assert imported(client, "md5", password=MD5).error == "general_unauthorized_scope"


def test_taken_address_is_refused(server, alice):
    reply = server.post(
        "/users/md5", {"userId": "other", "email": alice.email, "password": MD5, "name": ""}
    )
    assert (reply.status, reply.error) == (409, "user_already_exists")


@pytest.mark.parametrize("path", KINDS)
def test_user_may_have_an_algorithm_for_an_id(server, path):
    imported(server, path, **KINDS[path][0] | {"userId": path})
    assert server.get(f"/users/{path}").json["$id"] == path
    assert server.patch(f"/users/{path}/name", {"name": "B"}).json["name"] == "B"
    assert server.delete(f"/users/{path}").status == 204
    assert server.get(f"/users/{path}").error == "user_not_found"


@pytest.mark.parametrize("path", ["md5", "argon2"])
def test_class_14_cheap_hash_from_elsewhere_costs_as_much_as_an_unknown_user(
    project, client_for, server, monkeypatch, path
):
    imported(server, path, **KINDS[path][0])
    made = []
    encode = Argon2Hasher.encode

    def count(self, password, salt):
        made.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(Argon2Hasher, "encode", count)
    login(client_for(project), "wrong password")
    assert len(made) == 1
