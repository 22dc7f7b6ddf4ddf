"""Calls to servers of others reach public ones only (classes 38 and 39)."""

import socket
import time
from ipaddress import ip_address

import httpx
import pytest

from appwrite_clone.bridge import Limits
from kernel import outbound
from tests.gateway.upstream import Upstream, plain
from tests.kernel.dripping import dripping


@pytest.fixture
def upstream():
    server = Upstream()
    yield server
    server.stop()


@pytest.fixture
def resolved(monkeypatch):
    """Give host names addresses; returns the list of what was looked up."""
    asked = []

    def give(*addresses):
        def look_up(host, port, **_options):
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return asked

    return give


INNER = [
    *("127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1"),
    *("::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:db8::1"),
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
]


@pytest.mark.parametrize("address", INNER)
def test_class_39_inner_addresses_are_not_public(address):
    assert outbound.is_public(ip_address(address)) is False


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(address):
    assert outbound.is_public(ip_address(address)) is True


@pytest.mark.parametrize("address", INNER)
def test_class_38_name_of_an_inner_address_is_not_called(resolved, address):
    resolved(address)
    with pytest.raises(outbound.ForbiddenTargetError):
        outbound.send("POST", "https://rebound.example.com/")


def test_class_38_one_inner_address_among_public_ones_is_enough(resolved):
    resolved("1.1.1.1", "127.0.0.1")
    with pytest.raises(outbound.ForbiddenTargetError):
        outbound.send("GET", "https://rebound.example.com/")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://user:password@example.com/",
        "https://",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_",
        "nonsense",
        "https://127.0.0.1/",
        "https://0177.0.0.1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://localhost/",
        "https://exa mple.com/",
    ],
)
def test_class_38_only_public_https_is_called(upstream, url):
    with pytest.raises((outbound.ForbiddenTargetError, outbound.OutboundError)):
        outbound.send("POST", url)
    assert upstream.requests == []


def test_class_38_address_that_was_checked_is_the_one_that_is_called(resolved, monkeypatch):
    asked = resolved("1.1.1.1")
    sent = []

    def send(_self, request, **_options):
        sent.append(request)
        return httpx.Response(204, request=request, stream=httpx.ByteStream(b""))

    monkeypatch.setattr(httpx.Client, "send", send)
    assert outbound.send("GET", "https://api.example.com:8443/x").status == 204
    assert asked == ["api.example.com"]
    assert (sent[0].url.host, sent[0].headers["Host"]) == ("1.1.1.1", "api.example.com:8443")
    assert sent[0].extensions["sni_hostname"] == "api.example.com"


def test_hosts_of_the_operator_are_called_in_plain_text(upstream, settings):
    settings.OUTBOUND_HOSTS = frozenset({"127.0.0.1"})
    upstream.answer = plain(b'{"ok":true}', 201)
    reply = outbound.send("POST", f"{upstream.url}/x?y=1", content=b"body", headers={"X-A": "b"})
    assert (reply.status, reply.body, reply.is_success) == (201, b'{"ok":true}', True)
    method, path, headers, body = upstream.requests[0]
    assert (method, path, body, headers["X-A"]) == ("POST", "/x?y=1", b"body", "b")
    assert upstream.url == f"http://{headers['Host']}"


def test_class_38_redirects_lead_nowhere(upstream, settings):
    settings.OUTBOUND_HOSTS = frozenset({"127.0.0.1"})
    upstream.answer = plain(b"", 302, [("Location", f"{upstream.url}/inside")])
    assert outbound.send("GET", upstream.url).status == 302
    assert len(upstream.requests) == 1


def test_too_long_an_answer_is_cut_off(upstream, settings, monkeypatch):
    monkeypatch.setattr(outbound, "MAX_ANSWER_BYTES", 1000)
    settings.OUTBOUND_HOSTS = frozenset({"127.0.0.1"})
    upstream.answer = plain(b"x" * 1001)
    with pytest.raises(outbound.OutboundError):
        outbound.send("GET", upstream.url)


def test_server_that_is_gone_is_told(settings, upstream):
    settings.OUTBOUND_HOSTS = frozenset({"127.0.0.1", "nowhere.invalid"})
    upstream.stop()
    for url in (upstream.url, "http://nowhere.invalid/"):
        with pytest.raises(outbound.OutboundError):
            outbound.send("GET", url)


def test_environment_names_no_proxy(upstream, settings, monkeypatch):
    settings.OUTBOUND_HOSTS = frozenset({"127.0.0.1"})
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert outbound.send("GET", upstream.url).status == 200


@pytest.mark.parametrize(
    ("greeting", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"a"),
    ],
    ids=["head", "heads", "body", "body without a length"],
)
def test_answer_without_an_end_is_cut_off(settings, greeting, piece):
    settings.OUTBOUND_HOSTS = frozenset({"127.0.0.1"})
    begun = time.monotonic()
    with dripping(greeting, piece) as port, pytest.raises(outbound.OutboundError):
        outbound.send("GET", f"http://127.0.0.1:{port}/", seconds=0.2)
    assert 0.2 <= time.monotonic() - begun < outbound.MAX_SECONDS


def test_call_is_over_before_its_request_is_answered_in_its_place():
    assert Limits().max_answer_seconds > outbound.MAX_SECONDS
