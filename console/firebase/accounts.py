"""Users as `firebase auth:export` writes them, and the parameters of their hashes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from accounts import hashes
from accounts.inputs.users import label
from accounts.services.bulk_imports import ImportedIdentity, ImportedUser
from console.firebase import naming, values
from console.firebase.reading import JsonReader
from kernel import fields
from kernel.limits import MAX_LABELS, MAX_NAME_LENGTH, MAX_PREFS_LENGTH

MAX_PROVIDER_UID = 255
MAX_PHOTO_URL = 2048
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PARAMETER = re.compile(r"(\w+)\"?\s*[:=]\s*\"?([\w+/=-]+)\"?")
#: Firebase's names of providers, and ours of those that are offered.
PROVIDERS: Mapping[str, str] = {
    "apple.com": "apple",
    "facebook.com": "facebook",
    "github.com": "github",
    "google.com": "google",
    "microsoft.com": "microsoft",
    "twitter.com": "x",
    "yahoo.com": "yahoo",
}
#: Ways to sign in that are no providers.
_OWN = frozenset({"password", "phone", "emailLink", "anonymous", "custom", "firebase"})


class HashConfigError(Exception):
    """Parameters of hashes that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class HashConfig:
    """The parameters that the Firebase console shows under "Password hash parameters"."""

    signer_key: str
    salt_separator: str
    rounds: int = hashes.FIREBASE_ROUNDS
    memory_cost: int = hashes.FIREBASE_MEMORY_COST

    def read(self, password_hash: str, salt: str) -> str:
        """Return a hash as it is stored.

        Raises: ValueError
        """
        return hashes.read_scrypt_modified(
            password_hash,
            salt=salt,
            separator=self.salt_separator,
            signer_key=self.signer_key,
            rounds=self.rounds,
            memory_cost=self.memory_cost,
        )


@dataclass(frozen=True, slots=True)
class SourceUser:
    """A user of the file, and what of them cannot come along."""

    line: int
    uid: str
    user: ImportedUser
    providers: Sequence[str]
    has_password: bool
    losses: Sequence[str]


@dataclass(frozen=True, slots=True)
class UserFault:
    """A user who cannot come, and why."""

    line: int
    uid: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How users are read: without parameters none has a password.

    `claims` are those whose texts become labels.
    """

    hash_config: HashConfig | None = None
    claims: tuple[str, ...] = ()


def read_hash_config(text: str) -> HashConfig:
    """Read what the Firebase console shows: `base64_signer_key: ...` and so on, or JSON of it.

    Raises: HashConfigError
    """
    found = {
        name.lower().removeprefix("base64_"): value for name, value in _PARAMETER.findall(text)
    }
    for name in ("signer_key", "salt_separator"):
        if name not in found:
            raise HashConfigError(f"The parameter base64_{name} is missing.")
    if found.get("algorithm", "SCRYPT").upper() != "SCRYPT":
        raise HashConfigError(f"The algorithm {found['algorithm'][:64]} is not SCRYPT.")
    try:
        config = HashConfig(
            found["signer_key"],
            found["salt_separator"],
            int(found.get("rounds", hashes.FIREBASE_ROUNDS)),
            int(found.get("mem_cost", hashes.FIREBASE_MEMORY_COST)),
        )
        config.read(config.signer_key, "")  # any hash is as long as the key
    except ValueError as error:
        raise HashConfigError(f"{error}.") from None
    return config


def read_users(reader: JsonReader, how: Reading) -> Iterator[SourceUser | UserFault]:
    """Read the users of a file.

    Raises: FileFaultError
    """
    if reader.peek() == "[":
        yield from _users(reader, how)
        return
    is_found = False
    for key in reader.members():
        if key == "users":
            is_found = True
            yield from _users(reader, how)
        else:
            reader.value()
    if not is_found:
        reader.fail("there is no list of users in it")


def _users(reader: JsonReader, how: Reading) -> Iterator[SourceUser | UserFault]:
    for _ in reader.elements():
        reader.peek()
        line = reader.line
        entry = reader.value()
        uid = entry.get("localId") if isinstance(entry, dict) else None
        if not isinstance(uid, str) or not uid:
            yield UserFault(line, "", "This is no user: there is no localId")
            continue
        try:
            yield _user(line, uid, entry, how)
        except ValueError as error:
            yield UserFault(line, uid, str(error))


def _user(line: int, uid: str, entry: Mapping[str, Any], how: Reading) -> SourceUser:
    losses: list[str] = []
    email = _optional(entry, "email", fields.email)
    number = _optional(entry, "phoneNumber", fields.phone)
    providers = [each for each in _list(entry, "providerUserInfo") if isinstance(each, dict)]
    name = values.read_text(entry.get("displayName") or "").replace("\x00", "")
    if len(name) > MAX_NAME_LENGTH:
        losses.append(f"the name was cut to {MAX_NAME_LENGTH} characters")
    labels, prefs = _claims(entry.get("customAttributes"), how, losses)
    photo = entry.get("photoUrl")
    if isinstance(photo, str) and 0 < len(photo) <= MAX_PHOTO_URL:
        prefs["photoURL"] = values.read_text(photo)
    password_hash = entry.get("passwordHash") or ""
    user = ImportedUser(
        uid=naming.user_id(values.read_text(uid)),
        email=email,
        phone=number,
        name=name[:MAX_NAME_LENGTH],
        password_hash=_password(password_hash, entry.get("salt"), how, losses),
        is_active=entry.get("disabled") is not True,
        is_email_verified=email is not None and entry.get("emailVerified") is True,
        is_phone_verified=number is not None,  # Firebase takes numbers that answered its code
        labels=labels,
        prefs=_short(prefs, losses),
        identities=_identities(providers, losses),
        created_at=_moment(entry.get("createdAt")),
        accessed_at=_moment(entry.get("lastSignedInAt")),
    )
    names = sorted({str(each.get("providerId"))[:64] for each in providers})
    return SourceUser(line, uid, user, names, bool(password_hash), losses)


def _optional(entry: Mapping[str, Any], key: str, check: fields.Check) -> str | None:
    value = entry.get(key)
    if value in (None, ""):
        return None
    try:
        return str(check(value))
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _list(entry: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = entry.get(key) or []
    if not isinstance(value, list):
        raise ValueError(f"{key}: A list is missing")
    return value


def _password(stored: object, salt: object, how: Reading, losses: list[str]) -> str:
    if not stored or how.hash_config is None:
        return ""
    try:
        return how.hash_config.read(values.read_text(stored), values.read_text(salt or ""))
    except ValueError as error:
        losses.append(f"the password: {error}")
        return ""


def _claims(text: object, how: Reading, losses: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the labels and preferences that custom claims become.

    Only what nobody but the server sets may become a label: claims that are true, by their name,
    and those that are asked for, by their text.
    """
    if not text:
        return [], {}
    try:
        claims = orjson.loads(values.read_text(text))
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        losses.append("the custom claims are no JSON object")
        return [], {}
    wanted = [
        name if value is True else str(value)
        for name, value in claims.items()
        if value is True or (name in how.claims and isinstance(value, str))
    ]
    labels = []
    for each in dict.fromkeys(wanted):
        try:
            labels.append(str(label(each)))
        except ValueError:
            losses.append(f"the claim {each[:64]!r} can be no label")
    rest = {name: value for name, value in claims.items() if value is not True}
    return labels[:MAX_LABELS], {"firebaseClaims": rest} if rest else {}


def _short(prefs: dict[str, Any], losses: list[str]) -> dict[str, Any]:
    content = orjson.dumps(prefs)
    if len(content) <= MAX_PREFS_LENGTH and b"\\u0000" not in content:
        return prefs
    losses.append("the custom claims are too long, or hold a NUL character")
    return {}


def _identities(
    providers: Sequence[Mapping[str, Any]], losses: list[str]
) -> list[ImportedIdentity]:
    found = []
    for each in providers:
        name, uid = str(each.get("providerId")), each.get("rawId")
        if name in _OWN:
            continue
        if name not in PROVIDERS:
            losses.append(f"the provider {name[:64]!r} is not offered")
        elif not isinstance(uid, str) or not 0 < len(uid) <= MAX_PROVIDER_UID or "\x00" in uid:
            losses.append(f"the provider {name[:64]!r} tells no id")
        else:
            email = each.get("email")
            try:
                address = str(fields.email(email))
            except ValueError:
                address = ""
            found.append(
                ImportedIdentity(
                    provider=PROVIDERS[name], provider_uid=values.read_text(uid), email=address
                )
            )
    return found


def _moment(value: object) -> datetime | None:
    """Read milliseconds since 1970, as a text or a number."""
    try:
        return _EPOCH + timedelta(milliseconds=int(str(value)))
    except (ValueError, OverflowError):
        return None
