"""Documents of Firestore become documents here: every type, from both forms."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from accounts.models import User
from documents.models import Collection
from kernel.models import OutboxEvent
from tests.client import ApiClient
from tests.console.firebase.conftest import ImportFirebase, skipped
from tests.console.firebase.exports import (
    DATABASE,
    typed,
    user,
    write_lines,
    write_tree,
    write_users,
)

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PLACE = "/databases/default/collections"
MADE_UP = "Jx3sKq90fMzWn2LpRt5v"


def documents(key: ApiClient, collection: str) -> dict[str, dict[str, Any]]:
    found = key.get(f"{PLACE}/{collection}/documents").json["documents"]
    return {each["$id"]: each for each in found}


def attributes(key: ApiClient, collection: str) -> dict[str, tuple[str, str, bool]]:
    found = key.get(f"{PLACE}/{collection}").json["attributes"]
    assert {each["status"] for each in found} <= {"available"}
    return {each["key"]: (each["type"], each.get("format", ""), each["array"]) for each in found}


def own(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if not name.startswith("$")}


POST = {
    "title": {"stringValue": "Hello"},
    "likes": {"integerValue": "42"},
    "rating": {"doubleValue": 4.5},
    "score": {"integerValue": "3"},
    "isOpen": {"booleanValue": True},
    "at": {"timestampValue": "2024-05-06T07:08:09.123456789Z"},
    "where": {"geoPointValue": {"latitude": 52.5}},
    "mail": {"stringValue": "ada@example.com"},
    "link": {"stringValue": "https://example.com/a"},
    "author": {"referenceValue": f"{DATABASE}/users/ada"},
    "raw": {"bytesValue": "AAEC"},
    "nothing": {"nullValue": None},
    "tags": {"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": "b"}]}},
    "empty": {"arrayValue": {}},
    "mixed": {"arrayValue": {"values": [{"integerValue": "1"}, {"stringValue": "x"}]}},
    "address": {
        "mapValue": {
            "fields": {
                "city": {"stringValue": "Berlin"},
                "geo": {"mapValue": {"fields": {"zip": {"integerValue": "10115"}}}},
            }
        }
    },
    "vector": {
        "mapValue": {
            "fields": {
                "__type__": {"stringValue": "__vector__"},
                "value": {"arrayValue": {"values": [{"doubleValue": 0.5}, {"doubleValue": 1}]}},
            }
        }
    },
    "any": {"stringValue": "text"},
    "not a key!": {"stringValue": "x"},
}
SECOND = {
    "score": {"doubleValue": 2.5},
    "any": {"integerValue": "7"},
    "rating": {"doubleValue": "NaN"},
}


def test_every_type_of_the_rest_api_comes_as_the_attribute_that_fits(
    import_firebase: ImportFirebase, tmp_path: Path, key: ApiClient
):
    times = {"createTime": "2020-01-02T03:04:05.678901Z", "updateTime": "2021-01-02T03:04:05Z"}
    path = write_lines(
        tmp_path / "posts.jsonl", [typed("posts/p1", POST, **times), typed("posts/p2", SECOND)]
    )
    assert import_firebase("--firestore", path).outcome["collections"] == {
        "posts": {"created": 2, "existing": 0, "skipped": 0}
    }
    assert attributes(key, "posts") == {
        "title": ("string", "", False),
        "likes": ("integer", "", False),
        "rating": ("double", "", False),
        "score": ("double", "", False),
        "isOpen": ("boolean", "", False),
        "at": ("datetime", "datetime", False),
        "where": ("point", "", False),
        "mail": ("string", "email", False),
        "link": ("string", "url", False),
        "author": ("string", "", False),
        "raw": ("string", "", False),
        "tags": ("string", "", True),
        "empty": ("string", "", True),
        "mixed": ("mediumtext", "", False),
        "address_city": ("string", "", False),
        "address_geo_zip": ("integer", "", False),
        "vector": ("double", "", True),
        "any": ("mediumtext", "", False),
        "not_a_key_": ("string", "", False),
    }
    found = documents(key, "posts")
    assert own(found["p1"]) == {
        "title": "Hello",
        "likes": 42,
        "rating": 4.5,
        "score": 3,
        "isOpen": True,
        "at": "2024-05-06T07:08:09.123+00:00",
        "where": [0, 52.5],
        "mail": "ada@example.com",
        "link": "https://example.com/a",
        "author": "ada",
        "raw": "AAEC",
        "tags": ["a", "b"],
        "empty": [],
        "mixed": '[1,"x"]',
        "address_city": "Berlin",
        "address_geo_zip": 10115,
        "vector": [0.5, 1],
        "any": "text",
        "not_a_key_": "x",
    }
    assert found["p1"]["$createdAt"] == "2020-01-02T03:04:05.678+00:00"
    assert found["p1"]["$updatedAt"] == "2021-01-02T03:04:05.000+00:00"
    assert (found["p2"]["score"], found["p2"]["any"], found["p2"]["rating"]) == (2.5, "7", None)
    names = OutboxEvent.objects.filter(name__endswith=".create").values_list("name", flat=True)
    assert "databases.default.collections.posts.documents.p1.create" in set(names)


@pytest.mark.parametrize("form", ["page", "list", "query"])
def test_answers_of_the_rest_api_are_read_as_they_are(
    import_firebase: ImportFirebase, tmp_path: Path, key: ApiClient, form: str
):
    made = [typed(f"posts/p{number}", {"n": {"integerValue": "1"}}) for number in range(2)]
    pages = [{"documents": [each], "nextPageToken": "x"} for each in made]
    answers: dict[str, Any] = {
        "page": {"documents": made, "nextPageToken": "x"},
        "list": pages,
        "query": [*({"document": each, "readTime": "x"} for each in made), {"readTime": "x"}],
    }
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answers[form]))
    assert import_firebase("--firestore", path).outcome["documents"]["created"] == 2
    assert documents(key, "posts").keys() == {"p0", "p1"}


def test_faulty_documents_are_told_with_their_line_and_the_others_come(
    import_firebase: ImportFirebase, tmp_path: Path, key: ApiClient
):
    path, report = tmp_path / "posts.jsonl", tmp_path / "skipped.jsonl"
    good = {"n": {"integerValue": "1"}}
    lines = [
        typed("posts/p1", good),
        typed("posts/p2", {"n": {"integerValue": "x"}}),
        typed("posts/p3", {"n": {"strangeValue": 1}}),
        typed("posts", good),
        {"fields": good},
        typed("posts/p4", {"n": {"timestampValue": "0999-01-01T00:00:00Z"}}),
        typed("posts/p5", {"n": {"bytesValue": "AAE"}}),
        typed("posts/p6", {"n": {"stringValue": "\ud800"}}),
        typed("posts/p7", {"at": {"geoPointValue": {"latitude": 91, "longitude": 0}}}),
        typed("posts/p8", {"s": {"stringValue": "a\x00b"}}),
        typed("posts/p9", {"n": {"integerValue": "1", "stringValue": "x"}}),
        typed("posts/p1", good),
    ]
    write_lines(path, lines)
    said = import_firebase("--firestore", path, "--report", report)
    assert said.outcome["documents"] == {"created": 2, "existing": 1, "skipped": 9}
    told = skipped(report)
    assert [(each["line"], each["id"]) for each in told] == [
        (2, "posts/p2"),
        (3, "posts/p3"),
        (4, ""),
        (5, ""),
        (6, "posts/p4"),
        (8, "posts/p6"),
        (9, "posts/p7"),
        (10, "posts/p8"),
        (11, "posts/p9"),
    ]
    assert documents(key, "posts").keys() == {"p1", "p5"}


def test_a_collection_that_exists_gets_the_attributes_it_lacks(
    import_firebase: ImportFirebase, tmp_path: Path, key: ApiClient
):
    path = write_tree(tmp_path / "a.json", {"posts": {"p1": {"title": "A"}}})
    import_firebase("--firestore", path)
    before = Collection.objects.get(uid="posts").version
    assert import_firebase("--firestore", path).outcome["documents"]["existing"] == 1
    assert Collection.objects.get(uid="posts").version == before
    tree = {"posts": {"p1": {"title": "B"}, "p2": {"title": "C", "likes": 1}, "p3": {"title": 1}}}
    path = write_tree(tmp_path / "b.json", tree)
    outcome = import_firebase("--firestore", path).outcome
    assert outcome["documents"] == {"created": 2, "existing": 1, "skipped": 0}
    found = documents(key, "posts")
    assert {uid: (each["title"], each["likes"]) for uid, each in found.items()} == {
        "p1": ("A", None),
        "p2": ("C", 1),
        "p3": ("1", None),
    }


def test_values_of_a_later_export_come_as_the_attribute_that_exists(
    import_firebase: ImportFirebase, tmp_path: Path, key: ApiClient
):
    first = {"any": "a", "n": 0.5, "tags": ["x"], "mail": "ada", "some": [1, "x"], "empty": [2]}
    others = {"p2": {"any": 1}}
    path = write_tree(tmp_path / "a.json", {"posts": {"p1": first, **others}})
    import_firebase("--firestore", path)
    before = attributes(key, "posts")
    later = {"any": True, "n": 3, "tags": [1], "mail": "a@example.com", "some": [1], "empty": []}
    path = write_tree(tmp_path / "b.json", {"posts": {"p3": later}})
    outcome = import_firebase("--firestore", path).outcome
    assert outcome["documents"] == {"created": 1, "existing": 0, "skipped": 0}
    assert attributes(key, "posts") == before
    expected = {**later, "any": "true", "tags": ["1"], "some": "[1]"}
    assert own(documents(key, "posts")["p3"]) == expected


@pytest.mark.parametrize(
    ("before", "later", "reason"),
    [
        (1, 0.5, "'v' of the collection 'posts' is integer, and the files hold float"),
        (1, "x", "is integer, and the files hold string"),
        ("a@example.com", "x", "is email, and the files hold string"),
        (["x"], "x", r"is string\[\], and the files hold string"),
        (1, [1], r"is integer, and the files hold integer\[\]"),
    ],
)
def test_an_export_that_does_not_fit_what_exists_is_told_before_anything_is_written(
    import_firebase: ImportFirebase, tmp_path: Path, key: ApiClient, before: Any, later: Any, reason
):
    path = write_tree(tmp_path / "a.json", {"posts": {"p1": {"v": before}}})
    import_firebase("--firestore", path)
    users = write_users(tmp_path / "users.json", [user("ada")])
    path = write_tree(tmp_path / "b.json", {"posts": {"p2": {"v": later}}})
    for options in ((), ("--dry-run",)):
        with pytest.raises(CommandError, match=reason):
            import_firebase("--users", users, "--firestore", path, *options)
    assert documents(key, "posts").keys() == {"p1"}
    assert not User.objects.filter(uid="ada").exists()


def test_collections_of_very_many_fields_keep_them_all(
    import_firebase: ImportFirebase, tmp_path: Path, key: ApiClient
):
    wide = {f"field{number:03}": f"https://example.com/{number}" for number in range(420)}
    tallies = {f"day{number}": number for number in range(40)}
    tree = {"wide": {"w": {**wide, "tallies": {"x": 1}}, "v": {"field000": ""}}}
    tree["maps"] = {"m": {"tallies": tallies, "deep": {"a": {"b": {"c": {"d": 1}}}}}}
    path = write_tree(tmp_path / "all.json", tree)
    assert "1 documents have more fields" in import_firebase("--firestore", path).out
    found = documents(key, "wide")["w"]
    rest = json.loads(found["otherFields"])
    assert len(rest) == 21
    assert {name: found[name] for name in wide if name not in rest} | rest == {
        **wide,
        "tallies": {"x": 1},
    }
    maps = own(documents(key, "maps")["m"])
    assert json.loads(maps["tallies"]) == tallies
    assert json.loads(maps["deep_a_b_c"]) == {"d": 1}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", b'{"__collections__": {"posts": {"p1": {"n": 1}', "line 1: .* the file ends"),
        ("a.json", b'{"__collections__":\n{"posts" {}}}', "line 2: .*':' is missing, found '{'"),
        ("a.json", b'[{"name": "x",\n"fields": {"a": nul}}]', "line 2: this is not valid JSON"),
        ("a.json", b"hello", "line 1: this is not valid JSON"),
        ("a.json", b'{"a": "\xff\xfe"}', "the file is not UTF-8"),
        ("a.json", b'{"__collections__": {"posts": {"p1": {"n": NaN}}}}', "NaN is no number"),
        ("a.json", b'[{"name": ' + b"[" * 100_000, "recursion"),
        ("output-0", b"\x00\x01", "managed exports of Firestore are no JSON"),
        ("none.json", None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_the_line(
    import_firebase: ImportFirebase, tmp_path: Path, name: str, content: bytes | None, reason: str
):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandError, match=reason):
        import_firebase("--firestore", tmp_path / name)
    assert not Collection.objects.filter(uid="posts").exists()


def test_the_command_says_what_it_lacks(import_firebase: ImportFirebase, tmp_path: Path):
    path = write_tree(tmp_path / "a.json", {"posts": {"p1": {"n": 1}}})
    for options, reason in (
        ((), "Say what to import"),
        (("--firestore", path, "--database", "none"), "There is no database"),
        (("--firestore", path, "--owner-field", "posts:"), "names no field"),
    ):
        with pytest.raises(CommandError, match=reason):
            import_firebase(*options)
