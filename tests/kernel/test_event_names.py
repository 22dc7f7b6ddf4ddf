"""The names one event goes by."""

import json
from pathlib import Path

import pytest

from kernel.event_names import expand, id_part, parse

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "events.json").read_text())


def concrete(pattern):
    for number in range(pattern.count("*")):
        pattern = pattern.replace("*", f"id{number}", 1)
    return pattern


@pytest.mark.parametrize("row", REFERENCE, ids=lambda row: row["event"])
def test_every_reference_event_goes_by_itself_its_pattern_and_its_mirrors(row):
    name = concrete(row["event"])
    names = expand(name)
    assert names[0] == name
    assert {row["event"], *row.get("mirrored_as", [])} <= set(names)


@pytest.mark.parametrize("row", REFERENCE, ids=lambda row: row["event"])
def test_no_name_comes_twice(row):
    names = expand(concrete(row["event"]))
    assert len(names) == len(set(names))


def test_a_file_event_fans_out_over_every_mixture_of_stars_and_levels():
    assert expand("buckets.B.files.F.create") == (
        "buckets.B.files.F.create",
        "buckets.*.files.*.create",
        "buckets.B.files.*.create",
        "buckets.*.files.F.create",
        "buckets.B.files.F",
        "buckets.*.files.*",
        "buckets.B.files.*",
        "buckets.*.files.F",
        "buckets.B",
        "buckets.*",
    )


def test_a_document_event_names_its_twin_right_after_each_name():
    names = expand("databases.D.collections.C.documents.X.create")
    assert names[:3] == (
        "databases.D.collections.C.documents.X.create",
        "databases.D.tables.C.rows.X.create",
        "tablesdb.D.tables.C.rows.X.create",
    )
    assert "databases.*.collections.*.documents.*.create" in names
    assert "databases.D.collections.C" in names
    assert "databases.*" in names


def test_an_attribute_of_an_action_adds_its_own_level():
    assert expand("users.U.update.email") == (
        "users.U.update.email",
        "users.*.update.email",
        "users.U.update",
        "users.*.update",
        "users.U",
        "users.*",
    )


def test_all_sessions_deleted_at_once_is_an_action_on_the_user():
    assert parse("users.U.sessions.delete").ids == ("U",)
    assert "users.*.sessions.delete" in expand("users.U.sessions.delete")


def test_ids_that_look_like_words_of_the_language_stay_ids():
    name = parse("databases.create.collections.delete.documents.rows.update")
    assert name.ids == ("create", "delete", "rows")
    assert name.action == "update"


def test_a_single_word_is_its_only_name():
    assert expand("ping") == ("ping",)


def test_an_id_with_dots_stays_one_id():
    name = f"databases.{id_part('a.b')}.collections.{id_part('c.create')}.documents.x.update"

    assert parse(name).ids == ("a.b", "c.create", "x")
    assert parse(name).action == "update"
    assert expand(name)[0] == "databases.a.b.collections.c.create.documents.x.update"
    assert "databases.*.collections.c.create.documents.*.update" in expand(name)
