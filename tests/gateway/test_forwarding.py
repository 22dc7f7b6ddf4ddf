"""A gateway: what it checks, what it passes on to a service, and what when that does not answer."""

import io
import socket
import sys
from types import ModuleType

import httpx
import pytest
from django.http import StreamingHttpResponse
from django.test import RequestFactory
from django.urls import include, path

from accounts.models import User
from documents.urls import urlpatterns as documents_paths
from gateway import bodies, forwarding
from gateway.forwarding import elsewhere
from gateway.identity import IDENTITY_HEADER, PURPOSE, RENEWED_HEADER
from kernel.errors import ApiError, ErrorKind
from kernel.recent import mark_of
from projects import signing
from tests.gateway.upstream import Upstream, plain, streamed

pytestmark = [pytest.mark.db, pytest.mark.django_db]

DATABASES = "/databases"
DOCUMENTS = "/databases/d/collections/c/documents"
TITLES = b'{"documents": []}'


@pytest.fixture
def upstream():
    server = Upstream()
    yield server
    forwarding._transport(server.url).close()
    forwarding._transport.cache_clear()
    server.stop()


@pytest.fixture(autouse=True)
def gateway(upstream, settings, monkeypatch):
    """Make this process a gateway whose documents are elsewhere."""
    urls = ModuleType("tests.gateway.forwarded_urls")
    there = elsewhere(documents_paths, service="documents", url=upstream.url)
    vars(urls).update(
        urlpatterns=[path("v1/", include(there))],
        handler404="gateway.views.route_not_found",
        handler500="gateway.views.server_error",
    )
    monkeypatch.setitem(sys.modules, urls.__name__, urls)
    settings.ROOT_URLCONF = urls.__name__


def identity_of(request):
    return signing.verify(request[2][IDENTITY_HEADER], "documents", PURPOSE)


def test_a_call_is_answered_by_the_service(client_for, project, make_key, upstream):
    upstream.answer = plain(b'{"total": 0, "databases": []}', headers=[("X-Custom", "kept")])
    reply = client_for(project, key=make_key(project, ["databases.read"])).get(DATABASES)
    assert (reply.status, reply.json) == (200, {"total": 0, "databases": []})
    assert reply.headers["X-Custom"] == "kept"
    assert reply.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    (request,) = upstream.requests
    assert request[:2] == ("GET", "/v1/databases")
    claims = identity_of(request)
    assert (claims["project"], claims["kind"]) == (project.uid, "key")
    assert "databases.read" in claims["scopes"]
    assert "databases.write" not in claims["scopes"]
    assert request[2]["X-Request-Id"] == reply.headers["X-Request-Id"]


def test_a_user_arrives_with_session_roles_and_address(client_for, project, alice, upstream):
    client_for(project, session=alice.session).get(DOCUMENTS)
    claims = identity_of(upstream.requests[0])
    assert (claims["user_uid"], claims["kind"], claims["ip"]) == ("alice", "session", "127.0.0.1")
    assert {"users", "user:alice"} <= set(claims["roles"])
    assert claims["session_uid"]


def test_no_credential_leaves_the_gateway(client_for, project, alice, upstream):
    client = client_for(
        project,
        session=alice.session,
        cookies={f"a_session_{project.uid}": alice.session, "other": "x"},
        headers={
            "X-Appwrite-Dev-Key": "d",
            "X-Appwrite-Impersonate-User-Id": "bob",
            "X-Appwrite-Impersonate-User-Email": "bob@example.com",
            "X-Appwrite-Impersonate-User-Phone": "+4912345",
            "X-Fallback-Cookies": "{}",
            "Authorization": "Bearer x",
            "X-Forwarded-For": "1.2.3.4",
            "X-Appwrite-Timestamp": "2026-01-01T00:00:00.000+00:00",
            "X-Appwrite-Response-Format": "1.0.0",
        },
    )
    client.post(DOCUMENTS, {"documentId": "x", "data": {}})
    headers = upstream.requests[0][2]
    assert headers["X-Appwrite-Timestamp"] == "2026-01-01T00:00:00.000+00:00"
    assert headers["X-Appwrite-Response-Format"] == "1.0.0"
    assert headers.get_all("X-Appwrite-Project") == [project.uid]
    sent = str(headers)
    assert alice.session not in sent
    names = {name.lower() for name in headers}
    assert names.isdisjoint(forwarding._CREDENTIALS - {"x-appwrite-project", "x-request-id"})


def test_whoever_acts_as_another_arrives_as_that_one(client_for, project, alice, bob, upstream):
    User.objects.filter(uid="alice").update(is_impersonator=True)
    client = client_for(project, session=alice.session)
    client.get(DOCUMENTS, X_Appwrite_Impersonate_User_Id="bob")
    client.get(DOCUMENTS, {"impersonateuserid": "bob"})
    for request in upstream.requests:
        claims = identity_of(request)
        assert (claims["user_uid"], claims["impersonator_uid"]) == ("bob", "alice")
        assert "user:bob" in claims["roles"]
        assert "user:alice" not in claims["roles"]


def test_what_the_gateway_refuses_never_reaches_the_service(client_for, project, upstream):
    guest = client_for(project)
    assert guest.get(DATABASES).error == "general_unauthorized_scope"
    assert guest.get("/databases/-x/collections/c/documents").error == "general_argument_invalid"
    assert guest.put(DATABASES).error == "general_route_not_found"
    stranger = client_for(project, headers={"Origin": "https://x.y"})
    assert stranger.get(DOCUMENTS).error == "general_unknown_origin"
    assert upstream.requests == []


def test_the_gateway_counts_and_says_so(client_for, project, alice, upstream, limits):
    upstream.answer = plain(b"{}", 201, [("X-RateLimit-Remaining", "999")])
    client = client_for(project, session=alice.session)
    body = {"documentId": "x", "data": {}}
    remaining = [client.post(DOCUMENTS, body).headers["X-RateLimit-Remaining"] for _ in range(2)]
    assert int(remaining[0]) - int(remaining[1]) == 1
    replies = [client.post(DOCUMENTS, body) for _ in range(int(remaining[1]) + 1)]
    assert replies[-1].error == "general_rate_limit_exceeded"
    assert len(upstream.requests) == 1 + len(replies)


def test_path_and_query_arrive_as_they_were_sent(client_for, project, upstream):
    sent = {"queries": ['{"method":"equal","values":["ü & +"]}'], "search": "a b%2F"}
    client_for(project).get("/databases/d/collections/a.b_c-d/documents", sent)
    (request,) = upstream.requests
    again = RequestFactory().get(request[1])
    assert again.path == "/v1/databases/d/collections/a.b_c-d/documents"
    assert again.GET["queries[0]"] == sent["queries"][0]
    assert again.GET["search"] == "a b%2F"


def test_bodies_pass_byte_for_byte(client_for, project, upstream):
    body = b'{"documentId":"x",   "data":{"text":"\xc3\xbc"}}'
    client_for(project).post(DOCUMENTS, body)
    client_for(project).delete(f"{DOCUMENTS}/x")
    (post, delete) = upstream.requests
    assert (post[3], delete[3]) == (body, b"")
    assert post[2]["Content-Type"] == "application/json"
    assert (post[2]["Content-Length"], delete[2]["Content-Length"]) == (str(len(body)), "0")


def test_bodies_in_files_are_sent_in_pieces(rf):
    request = rf.post("/v1/x", b"", "multipart/form-data; boundary=x")
    content = b"0123456789" * 20_000
    request.META |= {"wsgi.input": io.BytesIO(content), "CONTENT_LENGTH": str(len(content))}
    first = list(bodies.pieces(request))
    assert [len(piece) for piece in first[:3]] == [bodies.PIECE_BYTES] * 3
    assert b"".join(first) == b"".join(bodies.pieces(request)) == content
    assert bodies.size(request) == len(content)


def test_cookies_of_the_service_reach_the_browser_one_by_one(client_for, project, upstream):
    cookies = [
        ("Set-Cookie", "a_session_blog=abc==; HttpOnly; Max-Age=60; Path=/; SameSite=None; Secure"),
        ("Set-Cookie", "a_session_blog_legacy=abc==; HttpOnly; Max-Age=60; Path=/"),
    ]
    upstream.answer = plain(b"{}", headers=cookies)
    reply = client_for(project).get(DOCUMENTS)
    assert reply.cookies["a_session_blog"].value == "abc=="
    assert reply.cookies["a_session_blog"]["samesite"] == "None"
    assert reply.cookies["a_session_blog_legacy"]["samesite"] == ""
    assert reply.cookies["a_session_blog_legacy"]["max-age"] == "60"


def test_what_the_service_changed_is_outdated_here_before_the_answer(client_for, project, upstream):
    marks = [mark_of(group) for group in (7, project.uid)]
    upstream.answer = plain(b"{}", headers=[(RENEWED_HEADER, f'[7,"{project.uid}"]')])
    reply = client_for(project).get(DOCUMENTS)
    assert RENEWED_HEADER not in reply.headers
    for before, group in zip(marks, (7, project.uid), strict=True):
        assert mark_of(group) != before


def test_headers_of_one_hop_end_here(client_for, project, upstream):
    upstream.answer = plain(b"{}", headers=[("Connection", "X-Hop"), ("X-Hop", "1"), ("TE", "x")])
    client = client_for(project, headers={"Connection": "X-Mine, keep-alive", "X-Mine": "1"})
    reply = client.get(DOCUMENTS, TE="trailers", Keep_Alive="5")
    assert not {"Connection", "X-Hop", "TE"} & set(reply.headers)
    sent = {name.lower() for name in upstream.requests[0][2]}
    assert not {"x-mine", "te", "keep-alive"} & sent


def test_errors_of_the_service_pass_through(client_for, project, upstream):
    body = b'{"message":"m","code":404,"type":"collection_not_found","version":"1"}'
    upstream.answer = plain(body, 404)
    reply = client_for(project).get(DOCUMENTS)
    assert (reply.status, reply.error) == (404, "collection_not_found")


def test_redirects_are_answers_not_orders(client_for, project, upstream):
    upstream.answer = plain(b"", 301, [("Location", "http://127.0.0.1:1/")])
    reply = client_for(project).get(DOCUMENTS)
    assert (reply.status, reply.headers["Location"]) == (301, "http://127.0.0.1:1/")
    assert len(upstream.requests) == 1


def test_head_is_passed_on_without_a_body(client_for, project, upstream):
    upstream.answer = plain(b'{"long": true}')
    reply = client_for(project).call("HEAD", DOCUMENTS)
    assert (reply.status, reply.content) == (200, b"")
    assert upstream.requests[0][0] == "HEAD"


def test_long_answers_are_streamed(project, upstream, rf):
    taken = []

    def pieces():
        for number in range(3):
            taken.append(number)
            yield bytes([number]) * 100_000

    upstream.answer = streamed(pieces())
    answer = forwarding._transport(upstream.url).handle_request(
        httpx.Request("GET", upstream.url, extensions={"target": b"/v1/x"})
    )
    response = forwarding._response(answer, rf.get("/v1/x"))
    assert isinstance(response, StreamingHttpResponse)
    assert len(b"".join(response)) == 300_000
    response.close()
    assert taken == [0, 1, 2]


def test_an_answer_given_up_frees_its_connection(upstream, rf, monkeypatch):
    monkeypatch.setattr(forwarding, "WHOLE_ANSWER_BYTES", 10)
    upstream.answer = plain(b"x" * 1_000_000)
    transport = forwarding._transport(upstream.url)
    request = httpx.Request("GET", upstream.url, extensions={"target": b"/v1/x"})
    response = forwarding._response(transport.handle_request(request), rf.get("/v1/x"))
    assert isinstance(response, StreamingHttpResponse)
    assert next(iter(response))
    response.close()
    assert transport._pool.connections == []


def unavailable(reply):
    return (reply.status, reply.error, reply.headers["Retry-After"]) == (
        503,
        "general_service_unavailable",
        "1",
    )


def test_a_service_that_is_away_is_a_503(client_for, project, upstream, caplog):
    upstream.stop()
    assert unavailable(client_for(project).get(DOCUMENTS))
    assert "documents" in caplog.text


def test_a_service_that_hangs_up_is_a_503_and_is_not_asked_twice(client_for, project, upstream):
    def hang_up(handler):
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    upstream.answer = hang_up
    assert unavailable(client_for(project).post(DOCUMENTS, {"documentId": "x", "data": {}}))
    assert len(upstream.requests) == 1


def test_a_service_that_is_silent_is_a_503(client_for, project, upstream, monkeypatch):
    monkeypatch.setattr(forwarding, "_TIMEOUT", httpx.Timeout(0.2))
    released = []

    def wait(handler):
        handler.connection.settimeout(5)
        released.append(handler.connection.recv(1))

    upstream.answer = wait
    assert unavailable(client_for(project).get(DOCUMENTS))


def test_connections_to_a_service_are_bounded(upstream, rf, monkeypatch):
    monkeypatch.setattr(forwarding, "_LIMITS", httpx.Limits(max_connections=1))
    monkeypatch.setattr(forwarding, "WHOLE_ANSWER_BYTES", 10)
    forwarding._transport.cache_clear()
    transport = forwarding._transport(upstream.url)
    upstream.answer = plain(b"x" * 1_000_000)
    extensions = {"target": b"/v1/x", "timeout": httpx.Timeout(0.2).as_dict()}
    request = httpx.Request("GET", upstream.url, extensions=extensions)
    held = forwarding._response(transport.handle_request(request), rf.get("/v1/x"))
    with pytest.raises(httpx.PoolTimeout):
        transport.handle_request(request)
    held.close()
    transport.handle_request(request).close()


def test_gateways_that_point_at_each_other_end_after_one_hop(client_for, project, upstream):
    reply = client_for(project, headers={IDENTITY_HEADER: "anything"}).get(DOCUMENTS)
    assert (reply.status, reply.error) == (400, "general_bad_request")
    assert upstream.requests == []


def test_a_body_somebody_else_consumed_is_refused(rf):
    request = rf.post("/v1/x", {"a": "b"})
    assert request.POST["a"] == "b"
    with pytest.raises(ApiError) as caught:
        list(bodies.pieces(request))
    assert caught.value.kind is ErrorKind.BAD_REQUEST
