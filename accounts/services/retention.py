"""Sessions, single-use tokens, challenges and the like are deleted once past their time."""

from kernel import sql

BATCH = 5000

# A batch is of rows and not of expired ones, so that none takes long where those are rare.
_SWEEPS = tuple(
    f"""
    WITH batch AS (
        SELECT id FROM {table} WHERE id > %s ORDER BY id LIMIT %s
    ), gone AS (
        DELETE FROM {table} t USING batch WHERE t.id = batch.id AND t.expires_at < now()
        RETURNING t.id
    )
    SELECT (SELECT max(id) FROM batch), (SELECT count(*) FROM gone)
    """  # noqa: S608  # names of our own tables
    for table in (
        "session",
        "account_token",
        "console_link",
        "mfa_challenge",
        "oauth_flow",
        "passkey_challenge",
    )
)


def sweep_expired() -> int:
    """Delete what has expired, in as many statements as it takes; return how many rows."""
    return sum(_sweep(statement) for statement in _SWEEPS)


def _sweep(statement: str) -> int:
    last, count = 0, 0
    while True:
        row = sql.fetch_one(statement, (last, BATCH))
        if row is None or row[0] is None:
            return count
        last, count = row[0], count + row[1]
