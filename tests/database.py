"""A connection of a test's own beside Django's, to watch or hold up what the code does."""

from typing import Any

import psycopg
from django.db import connection

_KEYS = ("dbname", "user", "password", "host", "port")


def own_connection() -> "psycopg.Connection[tuple[Any, ...]]":
    """Connect to the test database, in autocommit."""
    parameters = connection.get_connection_params()
    wanted = {key: parameters[key] for key in _KEYS if key in parameters}
    return psycopg.connect(**wanted, autocommit=True)
