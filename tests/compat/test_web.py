"""The official web SDK in Chromium, on pages of a registered platform and of strangers."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from appwrite.client import Client
from appwrite.id import ID
from appwrite.permission import Permission
from appwrite.role import Role

from tests.compat import sdk
from tests.compat.browser import App, AppError, Site
from tests.compat.live import PAGE_HOST, PROJECT, STRANGE_HOST, Installation
from tests.compat.sdk import PASSWORD, Person
from tests.compat.vocabulary import Collection, Vocabulary

SESSION_COOKIE = f"a_session_{PROJECT}_legacy"
POLICY_VIOLATION = 1008
QUIET_SECONDS = 1.0

OpenApp = Callable[..., App]

pytestmark = pytest.mark.usefixtures("recwarn")


@pytest.fixture
def notes(key: Client, database: str) -> Collection:
    """A collection where users write and everyone decides who reads what they wrote."""
    return Vocabulary(key, {}).make_collection(
        database, permissions=[Permission.create(Role.users())], has_document_security=True
    )


def channel(notes: Collection) -> str:
    return f"databases.{notes.place[0]}.collections.{notes.place[1]}.documents"


def logged_in(app: App, person: Person) -> App:
    app.call("logIn", person.email, PASSWORD)
    return app


@pytest.mark.parametrize(
    ("page", "api", "has_cookie"),
    [
        pytest.param("localhost", "localhost", True, id="same-site"),
        pytest.param(PAGE_HOST, "127.0.0.1", False, id="cross-site"),
        pytest.param("localhost", "127.0.0.1", False, id="loopback-alias"),
    ],
)
def test_user_signs_up_stays_logged_in_and_logs_out(
    open_app: OpenApp, page: str, api: str, *, has_cookie: bool
):
    app, email = open_app(page=page, api=api), sdk.new_email()
    user = app.call("signUp", email, PASSWORD, "Alice")

    session = app.call("logIn", email, PASSWORD)
    app.reload()

    assert app.call("me")["$id"] == user["$id"] == session["userId"]
    assert session["secret"] == ""
    assert (SESSION_COOKIE in app.cookies()) is has_cookie
    assert bool(app.kept_in_storage()) is not has_cookie
    assert app.call("changePrefs", {"theme": "dark"})["prefs"] == {"theme": "dark"}
    assert app.call("sessions")["total"] == 1
    app.call("logOut")
    with pytest.raises(AppError) as refused:
        app.call("me")
    assert (refused.value.code, refused.value.type) == (401, "general_unauthorized_scope")
    assert app.kept_in_storage() in (None, "[]")
    assert SESSION_COOKIE not in app.cookies()


def test_session_cookie_is_out_of_reach_of_scripts(open_app: OpenApp, alice: Person):
    app = logged_in(open_app(page="localhost", api="localhost"), alice)

    cookie = app.cookies()[SESSION_COOKIE]
    assert cookie["httpOnly"] is True
    assert PROJECT not in app.page.evaluate("() => document.cookie")


def test_token_acts_as_the_user(open_app: OpenApp, alice: Person):
    token = logged_in(open_app(), alice).call("token")

    assert open_app().call("actByToken", token["jwt"])["$id"] == alice.id


def test_wrong_password_reaches_the_app_as_such(open_app: OpenApp, alice: Person):
    with pytest.raises(AppError) as refused:
        open_app().call("logIn", alice.email, "not the password")

    assert (refused.value.code, refused.value.type) == (401, "user_invalid_credentials")


def test_ping_is_answered(open_app: OpenApp):
    assert open_app().call("ping")["message"] == "Pong!"


def test_document_is_written_listed_changed_and_removed(
    open_app: OpenApp, notes: Collection, alice: Person
):
    app, place = logged_in(open_app(), alice), notes.place
    for number, title in enumerate(["a", "b", "c"]):
        app.call("write", *place, {"title": title, "size": number}, ['read("any")'])
    mine = app.call("write", *place, {"title": "d"}, None)

    page = app.call("list", *place, [["greaterThan", "size", 0], ["orderDesc", "title"]])

    assert [each["title"] for each in page["documents"]] == ["d", "c", "b"]
    assert page["total"] == 3
    assert app.call("change", *place, mine["$id"], {"title": "e"})["title"] == "e"
    assert app.call("read", *place, mine["$id"])["title"] == "e"
    app.call("remove", *place, mine["$id"])
    with pytest.raises(AppError) as missing:
        app.call("read", *place, mine["$id"])
    assert (missing.value.code, missing.value.type) == (404, "document_not_found")


def test_row_is_written_and_listed(open_app: OpenApp, notes: Collection, alice: Person):
    app = logged_in(open_app(), alice)

    app.call("writeRow", *notes.place, {"title": "row"}, ['read("users")'])

    page = app.call("listRows", *notes.place, [["equal", "title", "row"]])
    assert [each["$tableId"] for each in page["rows"]] == ["notes"]


def test_guest_sees_public_documents_only(open_app: OpenApp, notes: Collection, alice: Person):
    author, guest = logged_in(open_app(), alice), open_app()
    public = author.call("write", *notes.place, {"title": "public"}, ['read("any")'])
    author.call("write", *notes.place, {"title": "private"}, None)

    page = guest.call("list", *notes.place, [])

    assert [each["$id"] for each in page["documents"]] == [public["$id"]]
    with pytest.raises(AppError) as refused:
        guest.call("write", *notes.place, {"title": "no"}, None)
    assert (refused.value.code, refused.value.type) == (401, "user_unauthorized")


@pytest.mark.parametrize("way", ["watch", "watchByService", "watchByBuilder"])
def test_subscriber_receives_create_update_and_delete(
    open_app: OpenApp, notes: Collection, alice: Person, way: str
):
    app, place = logged_in(open_app(), alice), notes.place
    channels = {
        "watch": ([channel(notes)],),
        "watchByService": ([channel(notes)], []),
        "watchByBuilder": place,
    }
    app.watch(way, "all", *channels[way])

    made = app.call("write", *place, {"title": "one", "size": 3}, None)
    changed = app.call("change", *place, made["$id"], {"title": "two"})
    app.call("remove", *place, made["$id"])

    events = app.wait_for_events("all", 3)
    name = f"{channel(notes)}.{made['$id']}"
    assert [name in event["events"][0] for event in events] == [True] * 3
    for event, action in zip(events, ("create", "update", "delete"), strict=True):
        assert f"{name}.{action}" in event["events"]
        assert f"databases.*.collections.*.documents.*.{action}" in event["events"]
        assert channel(notes) in event["channels"]
    assert [event["payload"] for event in events] == [made, changed, changed]


@pytest.mark.parametrize(
    ("page", "api", "answered"),
    [
        pytest.param("localhost", "localhost", ["subscribe"], id="cookie"),
        pytest.param(PAGE_HOST, "127.0.0.1", ["authentication", "subscribe"], id="storage"),
    ],
)
def test_socket_knows_the_user(
    open_app: OpenApp, notes: Collection, alice: Person, page: str, api: str, answered: list[str]
):
    app = logged_in(open_app(page=page, api=api), alice)
    app.watch("watchByService", "all", [channel(notes)], [])

    made = app.call("write", *notes.place, {"title": "private"}, None)

    assert [event["payload"] for event in app.wait_for_events("all", 1)] == [made]
    answers = [frame["data"] for frame in app.frames if frame["type"] == "response"]
    assert [answer["to"] for answer in answers] == answered
    users = [frame["data"].get("user") for frame in app.frames]
    assert alice.id in [user["$id"] for user in users if user]


def test_query_narrows_a_subscription(open_app: OpenApp, notes: Collection, alice: Person):
    app = logged_in(open_app(), alice)
    app.watch("watchByService", "big", [channel(notes)], [["greaterThan", "size", 5]])

    app.call("write", *notes.place, {"title": "small", "size": 1}, None)
    app.call("write", *notes.place, {"title": "big", "size": 9}, None)

    assert [event["payload"]["title"] for event in app.wait_for_events("big", 1)] == ["big"]


def test_others_private_document_is_not_received(
    open_app: OpenApp, notes: Collection, alice: Person, bob: Person
):
    app = logged_in(open_app(), bob)
    app.watch("watch", "all", [channel(notes)])
    by_alice = notes.by(alice.client)

    by_alice("create_document", ID.unique(), {"title": "private"})
    by_alice("create_document", ID.unique(), {"title": "public"}, [Permission.read(Role.any())])

    assert [event["payload"]["title"] for event in app.wait_for_events("all", 1)] == ["public"]


def test_account_channel_carries_the_users_own_news(open_app: OpenApp, alice: Person, bob: Person):
    app, other = logged_in(open_app(), alice), logged_in(open_app(), bob)
    app.watch("watch", "me", ["account"])

    other.call("changePrefs", {"of": "bob"})
    app.call("changePrefs", {"of": "alice"})

    events = app.wait_for_events("me", 1)
    assert [event["payload"]["$id"] for event in events] == [alice.id]
    assert f"users.{alice.id}.update.prefs" in events[0]["events"]


def test_events_stop_with_the_session(
    open_app: OpenApp, notes: Collection, alice: Person, bob: Person
):
    app = logged_in(open_app(), alice)
    app.watch("watch", "all", [channel(notes)])
    app.call("logOut")
    app.wait_until(lambda: app.sockets_ended == 1)

    notes.by(bob.client)(
        "create_document", ID.unique(), {"title": "x"}, [Permission.read(Role.users())]
    )
    app.page.wait_for_timeout(QUIET_SECONDS * 1000)

    assert app.events("all") == []


def test_page_of_a_stranger_is_refused(open_app: OpenApp, alice: Person):
    app = open_app(page=STRANGE_HOST)

    for name, given in (("me", ()), ("logIn", (alice.email, PASSWORD))):
        with pytest.raises(AppError) as refused:
            app.call(name, *given)
        assert refused.value.code is None  # the browser gave the app nothing to read
    assert app.cookies() == {}
    assert any("CORS" in message for message in app.messages)


def test_socket_of_a_stranger_is_closed_for_good(open_app: OpenApp):
    app = open_app(page=STRANGE_HOST)
    app.call("watch", "all", ["documents"])

    app.wait_until(lambda: [frame["type"] for frame in app.frames] == ["error"])

    assert app.frames[0]["data"]["code"] == POLICY_VIOLATION


@pytest.mark.parametrize(
    ("host", "status"), [(PAGE_HOST, 401), ("localhost", 401), (STRANGE_HOST, 403)]
)
def test_only_pages_of_a_platform_may_read_answers(
    server: Installation, site: Site, host: str, status: int
):
    headers = {"Origin": site.url(host), "X-Appwrite-Project": PROJECT}

    answer = requests.get(f"{server.endpoint}/account", headers=headers, timeout=10)

    is_known = host != STRANGE_HOST
    assert answer.status_code == status
    assert (answer.json()["type"] == "general_unknown_origin") is not is_known
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    assert allowed == (site.url(host) if is_known else None)


def test_preflight_allows_every_header_the_sdk_sends(server: Installation, site: Site):
    sent = [
        "content-type", "content-range", "x-fallback-cookies", "x-appwrite-project",
        "x-appwrite-jwt", "x-appwrite-session", "x-appwrite-locale", "x-appwrite-response-format",
        "x-appwrite-dev-key", "x-appwrite-id", "x-appwrite-timestamp", "x-appwrite-mode",
        "x-sdk-name", "x-sdk-version", "x-sdk-platform", "x-sdk-language",
    ]  # fmt: skip
    headers = {
        "Origin": site.url(PAGE_HOST),
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": ",".join(sent),
    }

    answer = requests.options(f"{server.endpoint}/account/prefs", headers=headers, timeout=10)

    allowed = answer.headers["Access-Control-Allow-Headers"].lower().replace(" ", "").split(",")
    assert answer.status_code == 204
    assert set(sent) <= set(allowed)
    assert answer.headers["Access-Control-Allow-Origin"] == site.url(PAGE_HOST)
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def test_fallback_cookie_is_named_only_across_sites(
    server: Installation, site: Site, alice: Person
):
    answers = [
        requests.post(
            f"http://{api}:{server.port}/v1/account/sessions/email",
            json={"email": alice.email, "password": PASSWORD},
            headers={"Origin": site.url(page), "X-Appwrite-Project": PROJECT},
            timeout=10,
        )
        for page, api in itertools.product([PAGE_HOST, "127.0.0.1"], ["127.0.0.1"])
    ]

    across, within = (answer.headers.get("X-Fallback-Cookies") for answer in answers)
    kept: dict[str, Any] = json.loads(across or "{}")
    assert list(kept) == [f"a_session_{PROJECT}"]
    assert within is None
