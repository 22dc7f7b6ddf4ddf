"""Permission roles as groups: one per role string of a project, made on first use.

django-guardian's rows hang on these groups. A group of `user:ID`, `team:ID`, `team:ID/ROLE` or
`member:ID` contains those users, so that guardian's own checks answer as the API does; triggers
(migration 0002) keep them in step with users and memberships.
"""

import hashlib
from collections.abc import Sequence

from django.db import connection, transaction

from kernel import sql

GROUP_NAME_LENGTH = 150
MAX_CACHED_ROLES = 50_000
LOCK_SPACE = 0x5157_4E02  # the triggers take the same lock

_cache: dict[tuple[int, str], int] = {}

_FIND = "SELECT role, group_id FROM role WHERE project_id = %s AND role = ANY(%s)"
_ADD = """
    WITH made AS (
        INSERT INTO auth_group (name) SELECT unnest(%s::text[])
        ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id, name
    )
    INSERT INTO role (group_id, project_id, role)
    SELECT made.id, %s, wanted.role FROM made
    JOIN unnest(%s::text[], %s::text[]) AS wanted (role, name) ON wanted.name = made.name
    ON CONFLICT DO NOTHING RETURNING role, group_id
"""
_LOCK = "SELECT pg_advisory_xact_lock(%s, (%s %% 2147483647)::int)"


def role_group_ids(project_id: int, roles: Sequence[str]) -> list[int]:
    """Return the ids of the groups that stand for `roles`, in their order, made where missing."""
    known = {role: _cache.get((project_id, role)) for role in roles}
    missing = [role for role, group in known.items() if group is None]
    if missing:
        found = _find(project_id, missing)
        unmade = [role for role in missing if role not in found]
        if unmade:
            found |= _make(project_id, unmade)
        _remember(project_id, found)
        known |= found
    return [known[role] or 0 for role in roles]


def group_name(project_id: int, role: str) -> str:
    """Return the name of a role's group; of long ones the digest, for names are limited."""
    name = f"{project_id}:{role}"
    if len(name) <= GROUP_NAME_LENGTH:
        return name
    return hashlib.sha256(name.encode()).hexdigest()


def forget_groups() -> None:
    """Empty the process's cache of group ids."""
    _cache.clear()


def _find(project_id: int, roles: list[str]) -> dict[str, int]:
    return dict(sql.fetch_all(_FIND, (project_id, roles)))


def _make(project_id: int, roles: list[str]) -> dict[str, int]:
    """Make the groups and roles; those that others made meanwhile are found."""
    ordered = sorted(roles)
    names = [group_name(project_id, role) for role in ordered]
    with transaction.atomic():
        sql.execute(_LOCK, (LOCK_SPACE, project_id))
        made: dict[str, int] = dict(sql.fetch_all(_ADD, (names, project_id, ordered, names)))
        overtaken = [role for role in ordered if role not in made]
        return made | (_find(project_id, overtaken) if overtaken else {})


def _remember(project_id: int, found: dict[str, int]) -> None:
    def keep() -> None:
        if len(_cache) >= MAX_CACHED_ROLES:
            _cache.clear()
        _cache.update({(project_id, role): group for role, group in found.items()})

    # Groups made in a transaction that fails must not be remembered.
    if connection.in_atomic_block:
        transaction.on_commit(keep)
    else:
        keep()
