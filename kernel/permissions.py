"""Permission and role strings, and the one decision whether a caller may act."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from kernel.limits import MAX_LABEL_LENGTH, MAX_PERMISSIONS, MAX_TEAM_ROLE_LENGTH

READ, CREATE, UPDATE, DELETE, WRITE = "read", "create", "update", "delete", "write"
CONTAINER_ACTIONS = (READ, CREATE, UPDATE, DELETE)
ITEM_ACTIONS = (READ, UPDATE, DELETE)
CACHED_PERMISSIONS = 4096

_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,35}"
_ROLE = re.compile(
    rf"any|guests|users(?:/(?:un)?verified)?|user:{_ID}(?:/(?:un)?verified)?"
    rf"|team:{_ID}(?:/[^/\"\x00-\x1f]{{1,{MAX_TEAM_ROLE_LENGTH}}})?|member:{_ID}"
    rf"|label:[A-Za-z0-9]{{1,{MAX_LABEL_LENGTH}}}"
)
_PERMISSION = re.compile(r'(read|create|update|delete|write)\("(.*)"\)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Permission:
    """One grant: `action` to `role`."""

    action: str
    role: str

    def __str__(self) -> str:
        return f'{self.action}("{self.role}")'


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an action is allowed, and why; end users are only told the first.

    `matched` holds the caller's roles that a grant names, `granted` all roles that would do.
    """

    is_allowed: bool
    matched: frozenset[str] = frozenset()
    granted: frozenset[str] = frozenset()
    reason: str = ""


def is_valid_role(role: str) -> bool:
    return _ROLE.fullmatch(role) is not None


@lru_cache(maxsize=CACHED_PERMISSIONS)
def parse_permission(text: str) -> Permission:
    """Read `action("role")`.

    Raises:
        ValueError: The text is no permission, or its role is no role.
    """
    match = _PERMISSION.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text[:100]}" is not of the form action("role")')
    action, role = match.groups()
    if not is_valid_role(role):
        raise ValueError(f'Role "{role[:100]}" is not a valid role')
    return Permission(action, role)


def normalize_permissions(values: Sequence[str], *, actions: tuple[str, ...]) -> list[str]:
    """Return the list as it is stored: `write` spelled out, duplicates dropped, order kept.

    Raises:
        ValueError: Too many entries, a malformed one, or an action that does not apply here.
    """
    if len(values) > MAX_PERMISSIONS:
        raise ValueError(f"You can only provide up to {MAX_PERMISSIONS} permissions.")
    seen: dict[str, None] = {}
    for text in values:
        permission = parse_permission(text)
        for action in _spelled_out(permission.action, actions):
            seen[str(Permission(action, permission.role))] = None
    return list(seen)


def _spelled_out(action: str, actions: tuple[str, ...]) -> Iterable[str]:
    if action == WRITE:
        return (each for each in (CREATE, UPDATE, DELETE) if each in actions)
    if action not in actions:
        raise ValueError(
            f'Permission "{action}" is not allowed. Must be one of: {", ".join(actions)}.'
        )
    return (action,)


def roles_for(action: str, permissions: Iterable[str]) -> list[str]:
    """Return the roles that a stored permission list grants `action` to, in its order."""
    prefix, start = f'{action}("', len(action) + 2
    return [text[start:-2] for text in permissions if text.startswith(prefix)]


def decide(
    action: str,
    roles: Collection[str],
    *,
    container: Iterable[str],
    item: Iterable[str] = (),
    has_item_security: bool = False,
) -> Decision:
    """Decide whether holders of `roles` may do `action` (reference: semantics, section 3).

    `container` is the permission list of the collection or bucket, `item` that of the document or
    file, which counts only with item security and never for creating.
    """
    granted = frozenset(roles_for(action, container))
    source = "collection"
    if has_item_security and action != CREATE and granted.isdisjoint(roles):
        granted |= frozenset(roles_for(action, item))
        source = "item"
    matched = granted.intersection(roles)
    if matched:
        return Decision(True, matched, granted, f"{source} grants {action} to {min(matched)}")
    return Decision(False, matched, granted, f"no grant of {action} names a role of the caller")


def ungrantable_roles(permissions: Iterable[str], roles: Collection[str]) -> list[str]:
    """Return the roles in `permissions` that a client holding `roles` may not grant."""
    return [text for text in permissions if parse_permission(text).role not in roles]
