"""Files as Firebase's own tools and the usual exporters of Firestore write them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

#: The sample that Firebase publishes with its own implementation; the password is user1password.
PASSWORD = "user1password"
PASSWORD_HASH = (
    "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
)
SALT = "42xEC+ixf3L2lw=="
HASH_CONFIG = """hash_config {
  algorithm: SCRYPT,
  base64_signer_key: jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}
"""  # noqa: E501  # as the tool prints it
DATABASE = "projects/shop/databases/(default)/documents"


def user(uid: str, **entry: Any) -> dict[str, Any]:
    return {"localId": uid, "createdAt": "1600000000123", "providerUserInfo": [], **entry}


def with_password(uid: str, **entry: Any) -> dict[str, Any]:
    email = f"{uid.lower()}@example.com"
    return user(uid, email=email, passwordHash=PASSWORD_HASH, salt=SALT, **entry)


def provider(name: str, uid: str, **entry: Any) -> dict[str, Any]:
    return {"providerId": name, "rawId": uid, **entry}


def write_users(path: Path, users: Iterable[dict[str, Any]]) -> Path:
    """Write users as `firebase auth:export` does."""
    texts = (json.dumps(each, indent=2) for each in users)
    path.write_text('{"users": [\n' + ",\n".join(texts) + "\n]}")
    return path


def typed(path: str, fields: dict[str, Any], **entry: Any) -> dict[str, Any]:
    """Return a document as the REST API writes it, its fields already with their types."""
    return {"name": f"{DATABASE}/{path}", "fields": fields, **entry}


def write_lines(path: Path, documents: Iterable[Any]) -> Path:
    path.write_text("".join(f"{json.dumps(each)}\n" for each in documents))
    return path


def write_tree(path: Path, collections: dict[str, Any], *, indent: int | None = 2) -> Path:
    """Write collections as node-firestore-import-export does from the root."""
    path.write_text(json.dumps({"__collections__": collections}, indent=indent))
    return path


def special(kind: str, value: Any) -> dict[str, Any]:
    return {"__datatype__": kind, "value": value}


def time(seconds: int, nanoseconds: int = 0) -> dict[str, Any]:
    return special("timestamp", {"_seconds": seconds, "_nanoseconds": nanoseconds})


def point(latitude: float, longitude: float) -> dict[str, Any]:
    return special("geopoint", {"_latitude": latitude, "_longitude": longitude})


def reference(path: str) -> dict[str, Any]:
    return special("documentReference", path)
