"""Answers to listings that were kept for readers who take an older one, shared by all processes.

The table has a fixed number of places. An answer's key decides which one is its own, and what was
there before gives way: so it never grows, and nobody has to count.
"""

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import orjson
from django.db import DatabaseError
from psycopg import sql as psql

from documents import partitions
from documents.catalog import CollectionSchema
from kernel import clock, sql

PLACES = 4096
#: Of one answer; longer ones are not kept.
MAX_ANSWER_BYTES = 64 * 1024

_logger = logging.getLogger(__name__)

# A kept answer outlives writes of documents, not grants: whoever is shown documents one by one
# must still be let read each of them.
_FIND = psql.SQL("""
    SELECT a.answer FROM document_answer a JOIN document_collection c ON c.id = a.collection_id
    WHERE a.place = %(place)s::int AND a.key = %(key)s::bytea
        AND a.collection_id = %(collection)s::bigint AND a.kept_at > %(since)s::timestamptz
        AND a.expires_at > %(now)s::timestamptz
        AND c.version = %(version)s::bigint AND c.deleted_at IS NULL AND (
            SELECT count(*) FROM {partition} d
            WHERE d.collection_id = %(collection)s::bigint AND d.id = ANY(a.documents)
                AND d.read_roles && %(roles)s::text[]
        ) = cardinality(a.documents)
""")
_KEEP = """
    INSERT INTO document_answer
        (place, key, collection_id, kept_at, expires_at, documents, answer)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (place) DO UPDATE SET key = excluded.key, collection_id = excluded.collection_id,
        kept_at = excluded.kept_at, expires_at = excluded.expires_at,
        documents = excluded.documents, answer = excluded.answer
"""
_SWEEP = """
    DELETE FROM document_answer a WHERE a.expires_at <= %s OR NOT EXISTS (
        SELECT 1 FROM document_collection c WHERE c.id = a.collection_id AND c.deleted_at IS NULL
    )
"""


class Keeper:
    """Finds and keeps the answer to one question, as the readers of some roles get it.

    `readable_by` None stands for readers of every document. The answer is one of the collection's
    version: whatever changes the collection itself outdates it.
    """

    def __init__(
        self, schema: CollectionSchema, question: Sequence[Any], readable_by: Sequence[str] | None
    ) -> None:
        parts = (schema.id, schema.version, question, readable_by)
        self._key = hashlib.blake2b(orjson.dumps(parts), digest_size=16).digest()
        self._schema = schema
        self._roles = readable_by
        # Values that are encrypted where they are stored are kept nowhere else.
        self.is_offered = not schema.has_encryption

    @property
    def _place(self) -> int:
        return int.from_bytes(self._key[:4]) % PLACES

    def find(self, *, seconds: int) -> dict[str, Any] | None:
        """Return the answer, where it was kept within the last seconds and still may be read."""
        if not self.is_offered:
            return None
        now = clock.now()
        values = {
            "place": self._place,
            "key": self._key,
            "collection": self._schema.id,
            "version": self._schema.version,
            "now": now,
            "since": now - timedelta(seconds=seconds),
            "roles": self._roles or [],
        }
        row = sql.fetch_one(partitions.placed(_find(), self._schema.place), values)
        return None if row is None else orjson.loads(row[0])

    def keep(
        self, answer: dict[str, Any], documents: Sequence[int], *, asked_at: datetime, seconds: int
    ) -> None:
        """Keep an answer for some seconds; `documents` are the numbers of those in it."""
        text = orjson.dumps(answer)
        if not self.is_offered or len(text) > MAX_ANSWER_BYTES:
            return
        numbers = [] if self._roles is None else list(documents)
        until = asked_at + timedelta(seconds=seconds)
        values = (self._place, self._key, self._schema.id, asked_at, until, numbers, text)
        try:
            sql.execute(_KEEP, values)
        except DatabaseError as error:  # a full disk, or a server that only reads, stops no reader
            _logger.warning("An answer was not kept: %s", error)


def sweep() -> int:
    """Delete answers that are too old for anybody, or of no collection; return how many."""
    return sql.execute(_SWEEP, (clock.now(),))


@cache
def _find() -> sql.Numbered:
    partition = partitions.identifier(partitions.TEMPLATE)
    return sql.numbered(_FIND.format(partition=partition).as_string(None))
