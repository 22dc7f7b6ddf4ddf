"""Projects by id for every request: read once a second at most, dropped when one changes."""

import time
from dataclasses import replace

import orjson
from django.conf import settings

from kernel import notify, sql
from kernel.caller import CONSOLE_PROJECT, ProjectContext
from kernel.ids import is_valid_id
from kernel.limits import PROJECT_CACHE_SECONDS
from kernel.policies import Policies
from kernel.recent import mark_of, renew
from projects.keys import forget_keys

CHANNEL = "appwrite_projects"
MAX_CACHED_PROJECTS = 10_000

_FIND = """
    SELECT p.id, p.uid, p.name, p.team_uid, p.session_seconds, p.session_limit,
        p.user_limit, coalesce((p.smtp ->> 'enabled')::boolean, false),
        p.requires_verified_email, p.is_read_only_until_verified,
        p.rate_limits, p.policies, p.disabled_services,
        p.disabled_protocols, p.disabled_auth_methods,
        array_agg(DISTINCT lower(f.hostname)) FILTER (WHERE f.hostname <> ''),
        array_agg(DISTINCT lower(f.key)) FILTER (WHERE f.key <> '')
    FROM project p LEFT JOIN platform f ON f.project_id = p.id
    WHERE p.uid = %s AND p.deleted_at IS NULL
    GROUP BY p.id
"""
_cache: dict[str, tuple[float, int, ProjectContext]] = {}


def find_project(uid: str) -> ProjectContext | None:
    """Return a project by its public id, at most a second old."""
    cached = _cache.get(uid)
    now, mark = time.monotonic(), mark_of(uid)
    if cached is not None and cached[0] > now and cached[1] == mark:
        return cached[2]
    row = sql.fetch_one(_FIND, (uid,)) if is_valid_id(uid) else None
    if row is None:
        # Unknown ids are not remembered: they are endless, and may be made the next moment.
        _cache.pop(uid, None)
        return None
    project = _context(*row)
    if len(_cache) >= MAX_CACHED_PROJECTS:
        _cache.clear()
    _cache[uid] = (now + PROJECT_CACHE_SECONDS, mark, project)
    return project


def known_project(uid: str) -> ProjectContext | None:
    """Return a project as this process last saw it, without asking the database."""
    cached = _cache.get(uid)
    return cached[2] if cached is not None else None


def drop_project(uid: str = "") -> None:
    """Forget what this process knows of a project and its keys, or of all of them."""
    forget_keys(uid)
    if uid:
        _cache.pop(uid, None)
    else:
        _cache.clear()


def announce_change(uid: str) -> None:
    """Have every process read the project anew; to be called after commit."""
    renew(uid)
    notify.notify(CHANNEL, uid)


def _context(  # noqa: PLR0913  # the columns of one row
    project_id: int,
    uid: str,
    name: str,
    team_uid: str,
    session_seconds: int,
    session_limit: int,
    user_limit: int,
    has_smtp: bool,
    requires_verified_email: bool,
    is_read_only_until_verified: bool,
    rate_limits: str,
    policies: str,
    disabled_services: list[str],
    disabled_protocols: list[str],
    disabled_auth_methods: list[str],
    hosts: list[str] | None,
    keys: list[str] | None,
) -> ProjectContext:
    return ProjectContext(
        id=project_id,
        uid=uid,
        name=name,
        team_uid=team_uid,
        hosts=frozenset(hosts or ()),
        schemes=frozenset((*(keys or ()), f"appwrite-callback-{uid.lower()}", "exp")),
        disabled_services=frozenset(disabled_services),
        disabled_protocols=frozenset(disabled_protocols),
        disabled_auth_methods=frozenset(disabled_auth_methods),
        session_seconds=session_seconds,
        session_limit=session_limit,
        user_limit=user_limit,
        has_smtp=has_smtp,
        requires_verified_email=requires_verified_email,
        is_read_only_until_verified=is_read_only_until_verified,
        rate_limits=orjson.loads(rate_limits),
        policies=_policies(uid, Policies.of(orjson.loads(policies))),
    )


def _policies(uid: str, stored: Policies) -> Policies:
    """Return a project's policies; some of the console's are the installation's to say."""
    if uid != CONSOLE_PROJECT:
        return stored
    is_required = settings.CONSOLE_SECOND_FACTOR == "required"
    return replace(stored, requires_factor=is_required, passkey_domain=settings.PUBLIC_HOST)
