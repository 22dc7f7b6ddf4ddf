"""What an import is going to do: counted from the files before anything is written."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from console.firebase import naming
from console.firebase.accounts import SourceUser, UserFault
from console.firebase.columns import (
    OTHERS_KEY,
    OWN_COLUMNS,
    PARENT_KEY,
    SOURCE_KEY,
    Column,
    columns_of,
    fitted,
    json_text,
    type_text,
)
from console.firebase.files import Files
from console.firebase.firestore import SourceDocument, SourceFault
from console.firebase.skipped import SkippedFile
from console.firebase.statistics import CollectionStatistics
from console.firebase.storage import StorageStatistics
from documents.attributes import Attribute
from documents.definitions import AttributeRequest
from documents.records import Record
from documents.values import CREATED_AT, UPDATED_AT, SentDocument
from kernel.clock import api_time
from kernel.ids import is_valid_id
from kernel.permissions import ITEM_ACTIONS, Permission

OWN_ID, PARENT_ID = "$id", "$parent"
#: Reasons and names that are told apart; what comes past them is counted as one.
MAX_TOLD = 200
OTHERS = "others"

Key = TypeVar("Key")
#: Hears how many bytes and how many users or documents were read.
OnReading = Callable[[int, int], None]


class MisfitError(Exception):
    """Files that do not fit what exists; the text says what, and what to do."""


class OwnerRuleError(Exception):
    """A rule that cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class OwnerRule:
    """Where documents name the user who may read, update and delete them.

    Without a pattern it is good for all collections. The place is a field, a map's part, `$id` or
    `$parent`.
    """

    pattern: tuple[str, ...]
    place: tuple[str, ...]

    def owner_of(self, document: SourceDocument) -> str:
        """Return the id of a document's owner; empty where it names none."""
        if self.place == (OWN_ID,):
            return naming.user_id(document.path[-1])
        if self.place == (PARENT_ID,):
            return naming.user_id(document.path[-3]) if len(document.path) > 2 else ""
        value: Any = document.fields
        for key in self.place:
            value = value.get(key) if isinstance(value, Mapping) else None
        return naming.user_id(value) if isinstance(value, str) and value else ""


def read_owner_rule(text: str) -> OwnerRule:
    """Read `FIELD` or `COLLECTION:FIELD`, such as `users/posts:author.uid`.

    Raises: OwnerRuleError
    """
    pattern, _, place = text.rpartition(":")
    rule = OwnerRule(tuple(filter(None, pattern.split("/"))), tuple(place.split(".")))
    if not all(rule.place):
        raise OwnerRuleError(f"{text!r} names no field.")
    return rule


@dataclass(slots=True)
class CollectionPlan:
    """A collection to be: its attributes, and how its documents become ours."""

    statistics: CollectionStatistics
    id: str
    columns: Sequence[Column]
    owner_rules: Sequence[OwnerRule]

    @property
    def requests(self) -> list[AttributeRequest]:
        own = {each.key: each.request for each in OWN_COLUMNS}
        return [each.request for each in self.columns] + [own[key] for key in self._own_keys]

    @property
    def _own_keys(self) -> list[str]:
        seen = self.statistics
        is_wanted = {
            PARENT_KEY: len(seen.pattern) > 1,
            SOURCE_KEY: seen.mapped > 0,
            OTHERS_KEY: seen.others > 0,
        }
        return [key for key, wanted in is_wanted.items() if wanted]

    def fit(self, known: Mapping[str, Attribute]) -> None:
        """Let values become those of the attributes that exist.

        Raises: MisfitError
        """
        columns = []
        for column in self.columns:
            attribute = known.get(column.key)
            fit = fitted(column, attribute) if attribute else column
            if attribute is not None and fit is None:
                raise MisfitError(
                    f"The attribute {column.key!r} of the collection {self.id!r} is"
                    f" {type_text(attribute)}, and the files hold {type_text(column)}. Rename the"
                    " attribute, or delete the collection to import it anew."
                )
            columns.append(fit or column)
        self.columns = columns

    def owners(self, document: SourceDocument) -> set[str]:
        """Return the ids of those who are to read, update and delete a document."""
        named = {rule.owner_of(document) for rule in self.owner_rules}
        return {owner for owner in named if is_valid_id(owner)}

    def record(self, number: int, document: SourceDocument, users: Collection[str]) -> Record:
        """Return a document as it is imported; `number` stands for it in the report.

        Owners who are none of `users` get no permissions: whoever signs up with their id later
        would have them.

        Raises:
            ValueError: A value cannot be turned into what its attribute holds.
        """
        data = {each.key: each.value_of(document.fields) for each in self.columns}
        data |= self._own_values(document)
        for key, moment in ((CREATED_AT, document.created_at), (UPDATED_AT, document.updated_at)):
            if moment is not None:
                data[key] = api_time(moment)
        permissions = self._permissions(document, users)
        sent = SentDocument(naming.document_id(document.path), data, permissions)
        return Record(number, sent, document.size)

    def _own_values(self, document: SourceDocument) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if len(document.path) > 2:
            values[PARENT_KEY] = naming.document_id(document.path[:-2])
        if naming.document_id(document.path) != document.path[-1]:
            values[SOURCE_KEY] = document.path[-1]
        if self.statistics.others:
            others = document.fields.keys() - self.statistics.fields.keys()
            if others:
                kept = {key: document.fields[key] for key in sorted(others)}
                values[OTHERS_KEY] = json_text(kept)
        return values

    def _permissions(self, document: SourceDocument, users: Collection[str]) -> list[str]:
        return [
            str(Permission(action, f"user:{owner}"))
            for owner in sorted(self.owners(document))
            if owner in users
            for action in ITEM_ACTIONS
        ]


@dataclass(slots=True)
class UserStatistics:
    """Users of a file, counted."""

    users: int = 0
    with_password: int = 0
    disabled: int = 0
    verified: int = 0
    with_phone: int = 0
    #: Nobody can sign in as these by what the file knows: without address, number or provider.
    without_credentials: int = 0
    providers: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    losses: Counter[str] = field(default_factory=Counter)

    def see(self, source: SourceUser) -> None:
        user = source.user
        self.users += 1
        self.with_password += source.has_password
        self.disabled += not user.is_active
        self.verified += user.is_email_verified
        self.with_phone += user.phone is not None
        self.without_credentials += not (user.email or user.phone or source.providers)
        for counter, names in (
            (self.providers, source.providers),
            (self.labels, user.labels),
            (self.losses, source.losses),
        ):
            for name in names:
                count(counter, name, OTHERS)


@dataclass(slots=True)
class Plan:
    """All that files hold, counted; `faults` are what cannot come, by kind and reason."""

    users: UserStatistics | None = None
    collections: dict[tuple[str, ...], CollectionPlan] = field(default_factory=dict)
    storage: StorageStatistics | None = None
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: What cannot be read so far that its id is known.
    unnamed: int = 0

    @property
    def documents(self) -> int:
        return sum(each.statistics.documents for each in self.collections.values())


def count(counter: Counter[Key], key: Key, other: Key) -> None:
    """Count a name, as another one where there are too many to tell apart."""
    counter[key if key in counter or len(counter) < MAX_TOLD else other] += 1


def count_users(plan: Plan, files: Files, tell: OnReading, skipped: SkippedFile) -> None:
    """Count the users of a file for a plan.

    Raises: FileFaultError, OSError
    """
    plan.users = UserStatistics()
    read = _Reading(tell)
    for source in files.read_users(read.bytes_read):
        read.count()
        if isinstance(source, UserFault):
            count(plan.faults, ("user", source.reason), ("user", OTHERS))
            plan.unnamed += not source.uid
            skipped.user(files.users, source, source.reason)
        else:
            plan.users.see(source)


def plan_documents(
    plan: Plan,
    files: Files,
    owner_rules: Sequence[OwnerRule],
    tell: OnReading,
    skipped: SkippedFile,
) -> None:
    """Find out which collections the documents of all files make.

    Raises: FileFaultError, OSError
    """
    found: dict[tuple[str, ...], CollectionStatistics] = {}
    before = files.users.stat().st_size if files.users else 0
    read = _Reading(tell, before)
    for path, source in files.read_documents(read.bytes_read):
        read.count()
        if isinstance(source, SourceFault):
            count(plan.faults, ("document", source.reason), ("document", OTHERS))
            plan.unnamed += not source.path
            skipped.document(path, source, source.reason)
            continue
        pattern = naming.pattern_of(source.path)
        if pattern not in found:
            found[pattern] = CollectionStatistics(pattern)
        found[pattern].mapped += naming.document_id(source.path) != source.path[-1]
        found[pattern].see(source.fields)
    for pattern, statistics in sorted(found.items()):
        plan.collections[pattern] = CollectionPlan(
            statistics,
            naming.collection_id(pattern),
            columns_of(statistics),
            [each for each in owner_rules if each.pattern in ((), pattern)],
        )


class _Reading:
    """Tells how far the reading of files is."""

    def __init__(self, tell: OnReading, before: int = 0) -> None:
        self._tell = tell
        self._before = before
        self._number = 0

    def bytes_read(self, size: int) -> None:
        self._tell(self._before + size, self._number)

    def count(self) -> None:
        self._number += 1
