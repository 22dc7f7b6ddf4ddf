"""Is the installation well: each part is really asked, and how long it took is told."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from kernel import geoip, notify, sql
from kernel.errors import ApiError, ErrorKind

PROBE_CHANNEL = "appwrite_health"
REDIS_TIMEOUT_SECONDS = 2.0

Status = dict[str, Any]
StatusList = dict[str, Any]


def server() -> Status:
    """Tell that the process which answers works, and can reach its database."""
    return _probed("http", _ask_database)


def database() -> StatusList:
    return _listed(_probed("database", _ask_database))


def cache() -> StatusList:
    """Return the state of Redis; without it there is no shared cache that could fail."""
    return _listed(_probed("redis", _ask_redis)) if settings.REDIS_URL else _listed()


def pubsub() -> StatusList:
    if settings.REDIS_URL:
        return _listed(_probed("redis", _ask_redis))
    return _listed(_probed("database", _ring_database))


def clocks() -> dict[str, int]:
    """Return the database's and this process's time in Unix seconds, and how they differ."""
    row = sql.fetch_one("SELECT extract(epoch FROM clock_timestamp())::double precision")
    local, remote = time.time(), float(row[0]) if row else 0.0
    return {
        "remoteTime": int(remote),
        "localTime": int(local),
        "diff": int(remote) - int(local),
    }


def geo() -> Status:
    """Return the state of the database of addresses; where none is wanted, it fails nobody."""
    if not settings.GEOIP_DATABASE:
        return {"name": "geo", "ping": 0, "status": "fail"}
    return _probed("geo", _read_addresses)


def version() -> dict[str, str]:
    return {"version": settings.APPWRITE_VERSION}


def _listed(*statuses: Status) -> StatusList:
    return {"total": len(statuses), "statuses": list(statuses)}


def _probed(name: str, ask: Callable[[], Any]) -> Status:
    started_at = time.monotonic()
    ask()
    ping = int((time.monotonic() - started_at) * 1000)
    return {"name": name, "ping": ping, "status": "pass"}


def _ask_database() -> None:
    sql.fetch_one("SELECT 1")


def _ring_database() -> None:
    notify.notify(PROBE_CHANNEL, "")


def _read_addresses() -> None:
    try:
        geoip.probe()
    except geoip.NoDatabaseError as error:
        message = "The database of addresses cannot be read."
        raise ApiError(ErrorKind.SERVICE_UNAVAILABLE, message) from error


def _ask_redis() -> None:
    client = Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
    )
    try:
        client.ping()
    except RedisError as error:
        raise ApiError(ErrorKind.SERVICE_UNAVAILABLE, "Redis does not answer.") from error
    finally:
        client.close()
