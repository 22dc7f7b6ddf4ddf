"""A plan in words, for whoever is to decide on it, and as JSON."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from console.firebase.columns import Column, type_text
from console.firebase.plans import CollectionPlan, Plan, UserStatistics
from console.firebase.storage import StorageStatistics

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def plan_text(plan: Plan, database_id: str) -> str:
    """Return what an import is going to do, line by line."""
    lines: list[str] = []
    if plan.users is not None:
        lines += _users(plan.users)
    if plan.collections:
        lines += _collections(list(plan.collections.values()), database_id)
    if plan.storage is not None:
        lines += _storage(plan.storage)
    lines.append(f"Skipped: {sum(plan.faults.values()):,}")
    lines += [f"  {count:,} {kind}: {reason}" for (kind, reason), count in _most(plan.faults)]
    return "\n".join(lines)


def plan_json(plan: Plan) -> dict[str, Any]:
    return {
        "users": plan.users and _as_dict(plan.users),
        "collections": [_collection_json(each) for each in plan.collections.values()],
        "storage": plan.storage and _as_dict(plan.storage),
        "skipped": [
            {"kind": kind, "reason": reason, "count": count}
            for (kind, reason), count in _most(plan.faults)
        ],
    }


def _as_dict(counted: UserStatistics | StorageStatistics) -> dict[str, Any]:
    # `asdict` spoils counters.
    return {each.name: getattr(counted, each.name) for each in fields(counted)}


def size_text(size: float) -> str:
    for unit in _UNITS:
        if size < 1024 or unit == _UNITS[-1]:
            break
        size /= 1024
    return f"{size:,.0f} {unit}" if unit == _UNITS[0] else f"{size:,.1f} {unit}"


def _users(users: UserStatistics) -> Iterator[str]:
    yield f"Users: {users.users:,}"
    counts = {
        "with a password (modified scrypt)": users.with_password,
        "with a verified address": users.verified,
        "with a phone number": users.with_phone,
        "disabled": users.disabled,
        "without address, number or provider (anonymous, or custom tokens)": (
            users.without_credentials
        ),
    }
    yield from (f"  {count:,} {name}" for name, count in counts.items() if count)
    yield from (f"  {count:,} with the provider {name}" for name, count in _most(users.providers))
    yield from (f"  {count:,} with the label {name}" for name, count in _most(users.labels))
    yield from (f"  {count:,} incomplete: {reason}" for reason, count in _most(users.losses))


def _collections(plans: Sequence[CollectionPlan], database_id: str) -> Iterator[str]:
    yield f"Collections of the database {database_id}: {len(plans):,}"
    for plan in plans:
        seen = plan.statistics
        yield f"  {'/'.join(seen.pattern)} -> {plan.id}: {seen.documents:,} documents"
        if seen.mapped:
            yield f"    {seen.mapped:,} get another id; firebaseId tells the old one"
        yield f"    {_access(plan)}"
        width = max((len(each.key) for each in plan.columns), default=0)
        yield from (_column(each, width) for each in plan.columns)
        if seen.others:
            yield f"    {seen.others:,} documents have more fields: otherFields holds them as JSON"


def _access(plan: CollectionPlan) -> str:
    places = [".".join(each.place) for each in plan.owner_rules]
    if not places:
        return "nobody may read it but by API keys"
    return f"whom {' or '.join(places)} names may read, update and delete; others only by keys"


def _column(column: Column, width: int) -> str:
    mark = "CONFLICT: " if column.is_conflict else ""
    told = f"  {mark}{column.note}" if column.note or mark else ""
    return f"    {column.key:<{width}}  {type_text(column):<12} {column.count:>9,}{told}"


def _storage(storage: StorageStatistics) -> Iterator[str]:
    yield (
        f"Storage: {storage.files:,} files, {size_text(storage.size_bytes)}."
        " They are only counted: files cannot be taken over yet."
    )
    yield from (f"  {count:,} {name}" for name, count in _most(Counter(storage.types)))


def _collection_json(plan: CollectionPlan) -> dict[str, Any]:
    seen = plan.statistics
    return {
        "path": "/".join(seen.pattern),
        "id": plan.id,
        "documents": seen.documents,
        "otherIds": seen.mapped,
        "moreFields": seen.others,
        "owners": [".".join(each.place) for each in plan.owner_rules],
        "attributes": [
            {
                "key": each.key,
                "field": ".".join(each.place),
                "type": each.type,
                "array": each.array,
                "count": each.count,
                "conflict": each.is_conflict,
                "note": each.note,
            }
            for each in plan.columns
        ],
    }


def _most(counter: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counter.items(), key=lambda entry: (-entry[1], entry[0]))
