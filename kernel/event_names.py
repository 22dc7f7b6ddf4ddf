"""Event names: their parts, and every name under which one event can be subscribed to.

A name is `type.id[.kind.id[.kind.id]].action[.attribute]`, for example
`databases.D.collections.C.documents.X.create` (reference: events.json).
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

#: Words of a name are parted by dots, which ids may hold: inside a name they are written so.
_DOT_OF_ID = "/"
CACHED_NAMES = 4096
CACHED_SHAPES = 512

ACTIONS = frozenset({"create", "update", "upsert", "delete"})

#: Which kinds of things live below which, in the words of event names.
_CHILDREN = {
    "users": frozenset(
        {"sessions", "recovery", "verification", "targets", "tokens", "identities", "challenges"}
    ),
    "databases": frozenset({"collections", "tables"}),
    "tablesdb": frozenset({"tables"}),
    "documentsdb": frozenset({"collections"}),
    "vectorsdb": frozenset({"collections"}),
    "collections": frozenset({"documents", "attributes", "indexes"}),
    "tables": frozenset({"rows", "columns", "indexes"}),
    "buckets": frozenset({"files"}),
    "teams": frozenset({"memberships"}),
    "functions": frozenset({"executions", "deployments"}),
    "sites": frozenset({"deployments", "logs"}),
    "topics": frozenset({"subscribers"}),
    "reports": frozenset({"insights"}),
    "projects": frozenset({"policies"}),
}

#: The vocabularies of one product: whoever writes in one is heard in all.
_COLLECTIONS = {"tables": "collections", "rows": "documents", "columns": "attributes"}
_TABLES = {word: twin for twin, word in _COLLECTIONS.items()}
_VOCABULARIES = (
    ("databases", _COLLECTIONS),
    ("databases", _TABLES),
    ("tablesdb", _TABLES),
)


@dataclass(frozen=True, slots=True)
class EventName:
    """The parts of a name: pairs of kind and id, then what happened to the last one."""

    kinds: tuple[str, ...]
    ids: tuple[str, ...]
    action: str = ""
    attribute: str = ""


def id_part(uid: str) -> str:
    """Return an id as it is written inside an event's name."""
    return uid.replace(".", _DOT_OF_ID)


def parse(name: str) -> EventName:
    """Take an event name apart."""
    kinds, ids, rest = _split(tuple(name.split(".")))
    return EventName(kinds, ids, rest[0] if rest else "", ".".join(rest[1:]))


@lru_cache(maxsize=CACHED_NAMES)
def expand(name: str) -> tuple[str, ...]:
    """Return every name one event goes by.

    First the name itself, then with every combination of ids replaced by `*`: for the action with
    its attribute, the action, the resource, and the resources above it. After each name of a
    database comes its twin in the other vocabularies.
    """
    kinds, ids, rest = _split(tuple(name.split(".")))
    if len(ids) < len(kinds):
        return (name.replace(_DOT_OF_ID, "."),)
    return tuple(_template(kinds, rest).format(*ids).split("\n"))


def _split(
    parts: tuple[str, ...],
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    kinds, ids = [parts[0]], list(parts[1:2])
    at = 2
    while at + 1 < len(parts) and parts[at] in _CHILDREN.get(kinds[-1], ()):
        is_last_pair = at + 2 == len(parts)
        if is_last_pair and parts[at + 1] in ACTIONS:
            break  # all children at once, as in `users.U.sessions.delete`
        kinds.append(parts[at])
        ids.append(parts[at + 1])
        at += 2
    return tuple(kinds), tuple(uid.replace(_DOT_OF_ID, ".") for uid in ids), parts[at:]


@lru_cache(maxsize=CACHED_SHAPES)
def _template(kinds: tuple[str, ...], rest: tuple[str, ...]) -> str:
    """All names of one shape, one a line, with numbered places for the ids."""
    names: dict[str, None] = {}
    for depth, tail in _levels(len(kinds), rest):
        for starred in _starred(depth):
            for words in _twins(kinds[:depth]):
                pairs = (
                    f"{word}.{'*' if star else f'{{{place}}}'}"
                    for place, (word, star) in enumerate(zip(words, starred, strict=True))
                )
                names[".".join((*pairs, *tail))] = None
    return "\n".join(names)


def _levels(depth: int, rest: tuple[str, ...]) -> list[tuple[int, tuple[str, ...]]]:
    with_action = [(depth, rest)] if len(rest) > 1 else []
    with_action += [(depth, rest[:1])] if rest else []
    return with_action + [(level, ()) for level in range(depth, 0, -1)]


def _starred(depth: int) -> list[tuple[bool, ...]]:
    """Which ids become stars: none, all, and then every mixture."""
    mixtures = list(product((False, True), repeat=depth))
    return [mixtures[0], mixtures[-1], *mixtures[1:-1]]


def _twins(kinds: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The same kinds in each vocabulary, the one that was written first."""
    if kinds[0] not in ("databases", "tablesdb"):
        return [kinds]
    spoken = [
        (root, *(words.get(kind, kind) for kind in kinds[1:])) for root, words in _VOCABULARIES
    ]
    return [kinds, *(twin for twin in dict.fromkeys(spoken) if twin != kinds)]
