"""Events to channels, against the reference's table."""

import json
import re
from pathlib import Path

import pytest

from kernel.event_names import parse
from realtime.topics import is_heard, topics

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "events.json").read_text())
PLACES = {
    "projectId": "P",
    "collectionId": 1,
    "documentId": 2,
    "fileId": 1,
    "membershipId": 1,
    "executionId": 1,
    "insightId": 1,
}


def concrete(pattern):
    """`users.*.sessions.*` becomes `users.id0.sessions.id1`."""
    for number in range(pattern.count("*")):
        pattern = pattern.replace("*", f"id{number}", 1)
    return pattern


def filled(template, ids):
    def value(match):
        place = PLACES.get(match[1], 0)
        return place if isinstance(place, str) else ids[place]

    return re.sub(r"\{(\w+)\}", value, template)


@pytest.mark.parametrize("row", REFERENCE, ids=lambda row: row["event"])
def test_channels_are_those_of_the_reference(row):
    name = concrete(row["event"])
    ids = parse(name).ids
    wanted = [filled(each, ids) for each in row.get("channels", [])]
    wanted += [filled(each, ids) for each in row.get("action_channels", [])]
    heard = topics(name, "P")
    assert sorted(heard.project + heard.console) == sorted(wanted)
    assert is_heard(name, "P") == (bool(heard.project), bool(heard.console))


@pytest.mark.parametrize(
    "row",
    [row for row in REFERENCE if "delivered_in" in row],
    ids=lambda row: row["event"],
)
def test_the_right_connections_hear_it(row):
    heard = topics(concrete(row["event"]), "P")
    assert bool(heard.project) == ("same project" in row["delivered_in"])
    assert bool(heard.console) == ("console" in row["delivered_in"])


def test_events_without_channels_are_for_nobody():
    assert not topics("databases.D.create", "P")


def test_a_document_is_heard_in_both_vocabularies_whichever_wrote_it():
    legacy = topics("databases.D.collections.C.documents.X.update", "P")
    tables = topics("tablesdb.D.tables.C.rows.X.update", "P")
    assert legacy == tables
    assert "rows.update" in legacy.project
    assert "databases.D.collections.C.documents.X" in legacy.project
