"""Who PostgreSQL runs as: itself it refuses root."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from appwrite_clone.bootstrap import StartError

# Users that exist nearly everywhere and may be lent to a server.
UNPRIVILEGED_USERS = ("nobody", "postgres", "daemon")


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int


def account_for(data: Path) -> Account | None:
    """Return the user to become for this cluster, or None where it is the caller."""
    if os.geteuid() != 0:
        return None
    entries = [pwd.getpwuid(data.stat().st_uid)] if data.exists() else _unprivileged_entries()
    for entry in entries:
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise StartError(
        f"PostgreSQL must not run as root, and there is no user to run it as "
        f"({', '.join(UNPRIVILEGED_USERS)}): start as an ordinary user."
    )


def _unprivileged_entries() -> list[pwd.struct_passwd]:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return [known[name] for name in UNPRIVILEGED_USERS if name in known]


def closed_directory(path: Path, account: Account) -> Path | None:
    """Return the first directory on the way to `path` that the account may not enter."""
    resolved = path.resolve()
    for directory in [*reversed(resolved.parents), resolved]:
        if directory.is_dir() and not _may_enter(directory.stat(), account):
            return directory
    return None


def _may_enter(found: os.stat_result, account: Account) -> bool:
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)
