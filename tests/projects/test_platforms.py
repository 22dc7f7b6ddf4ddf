"""Platforms over REST, and what a registered host changes for browsers."""

import pytest

from kernel.models import OutboxEvent
from projects.models import Platform
from tests.reference import assert_model

pytestmark = [pytest.mark.db, pytest.mark.django_db]

TYPES = [
    ("web", "PlatformWeb", "hostname", "app.example.com"),
    ("apple", "PlatformApple", "bundleIdentifier", "com.example.app"),
    ("android", "PlatformAndroid", "applicationId", "com.example.app"),
    ("linux", "PlatformLinux", "packageName", "example"),
    ("windows", "PlatformWindows", "packageIdentifierName", "Example.App"),
]


@pytest.fixture
def manager(site, client_for, make_key):
    return client_for(site, key=make_key(site, ["platforms.read", "platforms.write"]))


@pytest.mark.parametrize(("platform_type", "model", "name", "value"), TYPES)
def test_each_type_has_a_path_and_an_identifier(manager, platform_type, model, name, value):
    body = {"platformId": "p1", "name": "App", name: value}
    reply = manager.post(f"/project/platforms/{platform_type}", body)
    assert reply.status == 201
    assert_model(model, reply.json)
    assert (reply.json["type"], reply.json[name]) == (platform_type, value)
    assert OutboxEvent.objects.get(name="platforms.p1.create").payload == reply.json
    assert manager.get("/project/platforms/p1").json == reply.json
    changed = manager.put(
        f"/project/platforms/{platform_type}/p1", {"name": "New", name: "other.example"}
    )
    assert_model(model, changed.json)
    assert (changed.json["name"], changed.json[name]) == ("New", "other.example")
    assert manager.delete("/project/platforms/p1").status == 204
    assert manager.get("/project/platforms/p1").error == "platform_not_found"


def test_a_platform_is_changed_by_the_path_of_its_type(manager):
    manager.post("/project/platforms/web", {"platformId": "p1", "name": "A", "hostname": "a.b"})
    reply = manager.put("/project/platforms/apple/p1", {"name": "B", "bundleIdentifier": "c"})
    assert (reply.status, reply.error) == (400, "platform_method_unsupported")
    assert Platform.objects.get(uid="p1").name == "A"


@pytest.mark.parametrize(
    ("older", "today"),
    [("web", "web"), ("flutter-web", "web"), ("flutter-ios", "apple"), ("android", "android"),
     ("flutter-windows", "windows"), ("react-native-android", "android")],
)  # fmt: skip
def test_older_clients_name_the_type_in_the_body(owen, site, older, today):
    body = {"type": older, "name": "App", "hostname": "app.example.com", "key": "com.x"}
    reply = owen.post("/projects/site/platforms", body)
    assert (reply.status, reply.json["type"]) == (201, today)
    assert (reply.json["hostname"], reply.json["key"]) == ("app.example.com", "com.x")
    listed = owen.get("/projects/site/platforms")
    assert_model("PlatformList", listed.json)
    assert listed.json == {"total": 1, "platforms": [reply.json]}
    path = f"/projects/site/platforms/{reply.json['$id']}"
    changed = owen.put(path, {"name": "New", "hostname": "new.example.com"})
    assert (changed.json["name"], changed.json["hostname"], changed.json["key"]) == (
        "New",
        "new.example.com",
        "com.x",
    )
    assert owen.delete(path).status == 204


@pytest.mark.parametrize(
    "hostname",
    ["localhost", "app.example.com", "*.example.com", "192.0.2.1", "::1", "[::1]", "APP.example"],
)
def test_hosts_are_accepted_and_lowered(manager, hostname):
    body = {"platformId": "p1", "name": "A", "hostname": hostname}
    reply = manager.post("/project/platforms/web", body)
    assert (reply.status, reply.json["hostname"]) == (201, hostname.lower().strip("[]"))


@pytest.mark.parametrize(
    "hostname",
    ["", "*", "https://a.b", "a.b:3000", "a b", "a..b", "a/b", "-a", "a.b\n", "x" * 64, "a.*.b",
     "x." * 130 + "x", {}, ["a.b"], 5, None],
)  # fmt: skip
def test_malformed_hosts_are_refused(manager, hostname):
    body = {"platformId": "p1", "name": "A", "hostname": hostname}
    reply = manager.post("/project/platforms/web", body)
    assert (reply.status, reply.error) == (400, "general_argument_invalid")


@pytest.mark.parametrize("change", [{"name": "  "}, {"applicationId": " "}, {"platformId": None}])
def test_blank_apps_are_refused(manager, change):
    body = {"platformId": "p1", "name": "A", "applicationId": "com.example"} | change
    assert manager.post("/project/platforms/android", body).error == "general_argument_invalid"


def test_a_taken_id_is_refused(manager):
    body = {"platformId": "p1", "name": "A", "hostname": "a.b"}
    assert manager.post("/project/platforms/web", body).status == 201
    reply = manager.post("/project/platforms/web", body)
    assert (reply.status, reply.error) == (409, "platform_already_exists")


def test_an_unknown_type_is_refused(owen, site):
    reply = owen.post("/projects/site/platforms", {"type": "toaster", "name": "A"})
    assert (reply.status, reply.error) == (400, "general_argument_invalid")


@pytest.mark.parametrize(
    ("person", "status"), [("owen", 201), ("dana", 201), ("vera", 401), ("eve", 404)]
)
def test_who_may_register_platforms(request, site, person, status):
    client = request.getfixturevalue(person)
    body = {"type": "web", "name": "A", "hostname": "a.b"}
    assert client.post("/projects/site/platforms", body).status == status
    assert Platform.objects.filter(project_id=site.id).exists() == (status == 201)


def test_platforms_of_another_project_are_out_of_reach(manager, project, client_for, make_key):
    other = client_for(project, key=make_key(project, ["platforms.read", "platforms.write"]))
    manager.post("/project/platforms/web", {"platformId": "p1", "name": "A", "hostname": "a.b"})
    assert other.get("/project/platforms/p1").error == "platform_not_found"
    assert other.get("/projects/site/platforms/p1").error == "project_not_found"
    assert other.delete("/project/platforms/p1").error == "platform_not_found"
    assert other.delete("/projects/site/platforms/p1").error == "project_not_found"
    assert other.put("/project/platforms/web/p1", {"name": "B", "hostname": "c.d"}).status == 404
    assert Platform.objects.get(uid="p1").name == "A"


def test_a_host_counts_from_its_registration_to_its_removal(manager, site, client_for):
    browser = client_for(site, headers={"Origin": "https://app.example.com"})
    assert browser.get("/ping").error == "general_unknown_origin"
    body = {"platformId": "p1", "name": "A", "hostname": "*.example.com"}
    manager.post("/project/platforms/web", body)
    reply = browser.get("/ping")
    assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (
        200,
        "https://app.example.com",
    )
    manager.delete("/project/platforms/p1")
    assert browser.get("/ping").error == "general_unknown_origin"


def test_an_apps_identifier_is_a_scheme_it_may_call_from(manager, site, client_for):
    body = {"platformId": "p1", "name": "A", "applicationId": "com.Example.App"}
    manager.post("/project/platforms/android", body)
    for origin, status in (
        ("com.example.app://callback", 200),
        ("com.other.app://callback", 403),
        ("appwrite-callback-site://", 200),
        ("appwrite-callback-blog://", 403),
    ):
        assert client_for(site, headers={"Origin": origin}).get("/ping").status == status
