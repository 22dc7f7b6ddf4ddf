"""Permission roles as groups: one per role string of a project, made on first use.

django-guardian's rows hang on these groups. A group of `user:ID`, `team:ID`, `team:ID/ROLE` or
`member:ID` contains those users, so that guardian's own checks answer as the API does.
"""

import hashlib
from collections.abc import Iterable, Sequence

from django.db import connection, transaction

from kernel import sql

GROUP_NAME_LENGTH = 150
MAX_CACHED_ROLES = 50_000
_LOCK_SPACE = 0x5157_4E02

_cache: dict[tuple[int, str], int] = {}

_FIND = "SELECT role, group_id FROM role WHERE project_id = %s AND role = ANY(%s)"
_ADD_GROUPS = (
    "INSERT INTO auth_group (name) SELECT unnest(%s::text[]) ON CONFLICT (name) DO NOTHING"
)
_ADD_ROLES = (
    "INSERT INTO role (group_id, project_id, role)"
    " SELECT g.id, %s, wanted.role FROM unnest(%s::text[], %s::text[]) AS wanted (role, name)"
    " JOIN auth_group g ON g.name = wanted.name ON CONFLICT DO NOTHING"
)
_LOCK_ALONE = "SELECT pg_advisory_xact_lock(%s, (%s %% 2147483647)::int)"
_LOCK_SHARED = "SELECT pg_advisory_xact_lock_shared(%s, (%s %% 2147483647)::int)"

_FILL_GROUPS = """
    INSERT INTO account_groups (user_id, group_id)
    SELECT u.id, r.group_id FROM role r
    JOIN account u ON u.project_id = r.project_id AND u.uid = substr(r.role, 6)
    WHERE r.project_id = %(project)s AND r.role = ANY(%(roles)s)
        AND starts_with(r.role, 'user:') AND u.deleted_at IS NULL
    UNION
    SELECT m.user_id, r.group_id FROM role r
    JOIN team t ON t.project_id = r.project_id
        AND t.uid = split_part(substr(r.role, 6), '/', 1)
    JOIN membership m ON m.team_id = t.id AND m.is_confirmed
    WHERE r.project_id = %(project)s AND r.role = ANY(%(roles)s)
        AND starts_with(r.role, 'team:')
        AND (r.role = 'team:' || t.uid
            OR substr(r.role, length('team:' || t.uid || '/') + 1) = ANY(m.roles))
    UNION
    SELECT m.user_id, r.group_id FROM role r
    JOIN membership m ON m.project_id = r.project_id AND m.uid = substr(r.role, 8)
    WHERE r.project_id = %(project)s AND r.role = ANY(%(roles)s)
        AND starts_with(r.role, 'member:') AND m.is_confirmed
    ON CONFLICT DO NOTHING
"""
_REFILL_USERS = """
    WITH wanted AS MATERIALIZED (
        SELECT DISTINCT held.user_id, r.group_id
        FROM (
            SELECT u.id AS user_id, u.project_id, 'user:' || u.uid AS role
            FROM account u WHERE u.id = ANY(%(users)s) AND u.deleted_at IS NULL
            UNION ALL
            SELECT m.user_id, m.project_id, named.role
            FROM membership m JOIN team t ON t.id = m.team_id
            CROSS JOIN LATERAL unnest(
                ARRAY['team:' || t.uid, 'member:' || m.uid]
                || ARRAY(SELECT 'team:' || t.uid || '/' || name FROM unnest(m.roles) AS name)
            ) AS named (role)
            WHERE m.user_id = ANY(%(users)s) AND m.is_confirmed
        ) AS held
        JOIN role r ON r.project_id = held.project_id AND r.role = held.role
    ), gone AS (
        DELETE FROM account_groups a USING role r
        WHERE a.user_id = ANY(%(users)s) AND r.group_id = a.group_id
        AND NOT EXISTS (
            SELECT 1 FROM wanted w WHERE w.user_id = a.user_id AND w.group_id = a.group_id
        )
    )
    INSERT INTO account_groups (user_id, group_id)
    SELECT user_id, group_id FROM wanted ON CONFLICT DO NOTHING
"""


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


def lock_holders(project_id: int) -> None:
    """Hold off new groups of a project until the end of this transaction.

    To be taken before a change of who holds a role. Otherwise a group that is being made at the
    same time could miss the change, and the change the group.
    """
    sql.execute(_LOCK_SHARED, (_LOCK_SPACE, project_id))


def refill_groups(user_ids: Iterable[int]) -> None:
    """Put users into exactly the groups of the roles they hold now."""
    sql.execute(_REFILL_USERS, {"users": list(user_ids)})


def forget_groups() -> None:
    """Empty the process's cache of group ids."""
    _cache.clear()


def _find(project_id: int, roles: list[str]) -> dict[str, int]:
    return dict(sql.fetch_all(_FIND, (project_id, roles)))


def _make(project_id: int, roles: list[str]) -> dict[str, int]:
    ordered = sorted(roles)
    names = [group_name(project_id, role) for role in ordered]
    with transaction.atomic():
        sql.execute(_LOCK_ALONE, (_LOCK_SPACE, project_id))
        sql.execute(_ADD_GROUPS, (names,))
        sql.execute(_ADD_ROLES, (project_id, ordered, names))
        sql.execute(_FILL_GROUPS, {"project": project_id, "roles": ordered})
    return _find(project_id, roles)


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
