"""Cookies that a browser sends along by itself prove nothing about who made it send them."""

import pytest

from projects.services import create_platform, operator

BODY = {"name": "Mallory"}


def forged(client_for, project, alice, **headers):
    sent = {"X-Appwrite-Project": ""} | headers
    return client_for(project, cookies={"a_session_blog": alice.session}, headers=sent)


def test_write_by_cookie_alone_is_refused(project, client_for, alice, events):
    events.clear()
    reply = forged(client_for, project, alice).patch("/account/name?project=blog", BODY)
    assert (reply.status, reply.error) == (403, "general_unknown_origin")
    assert events.names() == []


def test_read_by_cookie_alone_is_allowed(project, client_for, alice):
    assert forged(client_for, project, alice).get("/account?project=blog").status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Appwrite-Project": "blog"}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Referer": "http://localhost/page"}, 200),
        ({"Origin": "https://evil.test"}, 403),
        ({"Referer": "https://evil.test/page"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.test", "X-Appwrite-Project": "blog"}, 403),
        ({"Referer": "http://["}, 403),
    ],
)
def test_write_by_cookie_needs_a_known_page_or_our_header(
    project, client_for, alice, headers, status
):
    client = forged(client_for, project, alice, **headers)
    assert client.patch("/account/name?project=blog", BODY).status == status


@pytest.mark.parametrize(
    ("host", "page", "is_other_site"),
    [
        ("api.example.com", "https://app.example.com", False),
        ("api.example.com", "https://example.com", False),
        ("api.example.com", "https://example.org", True),
        ("api.example.co.uk", "https://other.co.uk", True),
        ("api.example.co.uk", "https://app.example.co.uk", False),
        ("localhost", "http://127.0.0.1:3000", True),
        ("127.0.0.1", "http://127.0.0.1:3000", False),
        ("localhost", "http://localhost:3000", False),
        ("localhost", "appwrite-callback-blog://app", True),
    ],
)
def test_pages_of_other_sites_keep_the_session_themselves(
    project, client_for, alice, settings, host, page, is_other_site
):
    settings.ALLOWED_HOSTS = ["*"]
    for hostname in ("*.com", "example.com", "example.org", "*.co.uk"):
        create_platform(
            caller=operator(),
            project_id=project.uid,
            platform_type="web",
            name=hostname,
            hostname=hostname,
        )
    body = {"email": alice.email, "password": alice.password}
    reply = client_for(project).post("/account/sessions/email", body, Origin=page, Host=host)
    assert reply.status == 201, reply.json
    assert ("X-Fallback-Cookies" in reply.headers) is is_other_site
