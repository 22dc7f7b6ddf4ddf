"""What ids and keys become here. The same one always becomes the same, in every export."""

import hashlib
import re
from collections.abc import Collection, Sequence

from kernel.ids import GENERATED_ID_BYTES, MAX_ID_LENGTH, is_valid_id

_MARK_BYTES = 4
#: Between the names of collections that lie below one another.
_BETWEEN = "__"
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")


def document_id(path: Sequence[str]) -> str:
    """Return the id of the document with a path.

    Those of subcollections lie in one collection here, and one id is often written below many
    parents: such ids, and those that are none here, become the digest of the path.
    """
    uid = path[-1]
    is_kept = len(path) == 2 and is_valid_id(uid)
    return uid if is_kept else _digest("/".join(path), GENERATED_ID_BYTES)


def user_id(uid: str) -> str:
    """Return the id of a user: the same, or its digest where it is none here."""
    return uid if is_valid_id(uid) else _digest(uid, GENERATED_ID_BYTES)


def pattern_of(path: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the collections on the way to a document: `("users", "posts")`."""
    return tuple(path[::2])


def collection_id(pattern: Sequence[str]) -> str:
    """Return the id of a collection: `users__posts` for the posts below users."""
    name = _BETWEEN.join(pattern)
    is_plain = not any(_BETWEEN in each or each.strip("_") != each for each in pattern)
    return name if is_plain and is_valid_id(name) else _marked(name, "/".join(pattern))


def attribute_key(place: Sequence[str], taken: Collection[str]) -> str:
    """Return the key of a field, or of a map's part: `address_city` for `city` in `address`."""
    fitting = _UNFIT.sub("_", "_".join(place)).replace(".", "_")
    if is_valid_id(fitting) and fitting not in taken:
        return fitting
    return _marked(fitting, "\n".join(place))


def _marked(name: str, source: str) -> str:
    """Shorten a name and add what tells it from others that would look the same."""
    mark = _digest(source, _MARK_BYTES)
    fitting = _UNFIT.sub("_", name).strip("_.-")[: MAX_ID_LENGTH - len(mark) - 1]
    return f"{fitting}_{mark}" if fitting else mark


def _digest(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()
