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
_ADD_GROUPS = "INSERT INTO auth_group (name) SELECT unnest(%s::text[]) ON CONFLICT (name) DO NOTHING"
_ADD_ROLES = (
    "INSERT INTO role (group_id, project_id, role)"
    " SELECT g.id, %s, wanted.role FROM unnest(%s::text[], %s::text[]) AS wanted (role, name)"
    " JOIN auth_group g ON g.name = wanted.name ON CONFLICT DO NOTHING"
)
_LOCK_ALONE = "SELECT pg_advisory_xact_lock(%s, %s)"
_LOCK_SHARED = "SELECT pg_advisory_xact_lock_shared(%s, %s)"

#: Who holds which role that names a user, a team or a membership: (user_id, project_id, role).
_HOLDERS = """
    SELECT u.id AS user_id, u.project_id, 'user:' || u.uid AS role
    FROM account u WHERE u.deleted_at IS NULL AND {user_test}
    UNION ALL
    SELECT u.id, u.project_id, held.role
    FROM account u JOIN membership m ON m.user_id = u.id JOIN team t ON t.id = m.team_id
    CROSS JOIN LATERAL unnest(
        ARRAY['team:' || t.uid, 'member:' || m.uid]
        || ARRAY(SELECT 'team:' || t.uid || '/' || name FROM unnest(m.roles) AS name)
    ) AS held (role)
    WHERE u.deleted_at IS NULL AND m.is_confirmed AND {user_test}
"""
_FILL_GROUPS = f"""
    INSERT INTO account_groups (user_id, group_id)
    SELECT DISTINCT held.user_id, r.group_id
    FROM ({_HOLDERS.format(user_test="u.project_id = %s")}) AS held
    JOIN role r ON r.project_id = held.project_id AND r.role = held.role
    WHERE r.project_id = %s AND r.role = ANY(%s) ON CONFLICT DO NOTHING
"""  # noqa: S608  # built from the constants of this module
_REFILL_USERS = f"""
    WITH wanted AS MATERIALIZED (
        SELECT DISTINCT held.user_id, r.group_id
        FROM ({_HOLDERS.format(user_test="u.id = ANY(%s)")}) AS held
        JOIN role r ON r.project_id = held.project_id AND r.role = held.role
    ), gone AS (
        DELETE FROM account_groups a USING role r
        WHERE a.user_id = ANY(%s) AND r.group_id = a.group_id
        AND NOT EXISTS (
            SELECT 1 FROM wanted w WHERE w.user_id = a.user_id AND w.group_id = a.group_id
        )
    )
    INSERT INTO account_groups (user_id, group_id)
    SELECT user_id, group_id FROM wanted ON CONFLICT DO NOTHING
"""  # noqa: S608  # built from the constants of this module


def role_group_ids(project_id: int, roles: Sequence[str]) -> list[int]:
    """Return the ids of the groups that stand for `roles`, in their order, made where missing."""
    missing = [role for role in dict.fromkeys(roles) if (project_id, role) not in _cache]
    found = _find(project_id, missing) if missing else {}
    unmade = [role for role in missing if role not in found]
    if unmade:
        found |= _make(project_id, unmade)
    if found:
        _remember(project_id, found)
    return [found.get(role) or _cache[project_id, role] for role in roles]


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
    ids = list(user_ids)
    sql.execute(_REFILL_USERS, (ids, ids, ids))


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
        sql.execute(_FILL_GROUPS, (project_id, project_id, project_id, ordered))
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
