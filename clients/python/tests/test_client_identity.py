import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from appwrite.client import Client
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from realtime_server import ALICE, RealtimeServer, eventually


def test_handshake_names_the_project(server, realtime):
    realtime.subscribe("documents", print)

    assert server.handshakes[0].path.startswith("/v1/realtime?")
    assert server.query() == {"project": ["blog"]}


def test_endpoint_may_end_in_a_slash(server, realtime_for):
    client = Client().set_endpoint(server.endpoint + "/").set_project("blog")

    realtime_for(client).subscribe("documents", print)

    assert server.handshakes[0].path.startswith("/v1/realtime?")


def test_project_is_escaped_in_the_url(server, realtime_for):
    client = Client().set_endpoint(server.endpoint).set_project("a&b=c")

    realtime_for(client).subscribe("documents", print)

    assert server.query() == {"project": ["a&b=c"]}


def test_project_set_as_a_header_is_found(server, realtime_for):
    # 13.4.1 keeps the project nowhere else.
    client = Client().set_endpoint(server.endpoint)
    client.add_header("X-Appwrite-Project", "blog")

    realtime_for(client).subscribe("documents", print)

    assert server.query() == {"project": ["blog"]}


def test_guest_sends_no_credentials(server, realtime):
    realtime.subscribe("documents", print)

    headers = server.handshakes[0].headers
    assert not {"x-appwrite-session", "x-appwrite-jwt", "x-appwrite-key", "cookie"} & set(headers)
    assert server.kinds() == ["subscribe"]


def test_key_is_never_sent(server, client, realtime):
    client.set_key("standard_secret")

    realtime.subscribe("documents", print)

    assert "standard_secret" not in str(server.handshakes[0])


def test_client_is_recognised_by_its_user_agent(server, realtime):
    realtime.subscribe("documents", print)

    assert server.handshakes[0].headers["User-Agent"].startswith("AppwritePythonSDK/")


def test_jwt_travels_in_query_and_header(server, client, realtime):
    client.set_jwt("head.body.mark")

    realtime.subscribe("account", print)

    assert server.query()["jwt"] == ["head.body.mark"]
    assert server.handshakes[0].headers["x-appwrite-jwt"] == "head.body.mark"


def test_jwt_set_later_is_used_by_the_next_connection(server, client, realtime):
    realtime.subscribe("account", print)

    client.set_jwt("head.body.mark")
    server.drop()

    eventually(lambda: len(server.handshakes) == 2)
    assert server.query()["jwt"] == ["head.body.mark"]


def test_session_the_handshake_did_not_settle_is_authenticated_first(server, client, realtime):
    server.session = "secret"
    client.set_session("secret")

    realtime.subscribe("account", print)

    assert server.handshakes[0].headers["x-appwrite-session"] == "secret"
    assert server.kinds() == ["authentication", "subscribe"]
    assert server.sent("authentication") == [{"session": "secret"}]


def test_session_the_handshake_settled_is_not_sent_again(server, client, realtime):
    server.user = ALICE
    client.set_session("secret")

    realtime.subscribe("account", print)

    assert server.kinds() == ["subscribe"]


def test_session_is_authenticated_again_after_a_reconnect(server, client, realtime):
    server.session = "secret"
    client.set_session("secret")
    realtime.subscribe("account", print)

    server.drop()

    eventually(lambda: len(server.sent("subscribe")) == 2)
    assert server.kinds() == ["authentication", "subscribe"] * 2


def test_refused_session_is_reported_and_the_connection_goes_on_as_guest(
    server, client, realtime, errors
):
    client.set_session("outdated")

    subscription = realtime.subscribe("documents", print)

    eventually(lambda: errors)
    assert str(errors[0]) == "Session is not valid."
    assert not subscription.is_closed
    assert server.subscription_count() == 1


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory) -> Path:
    """A certificate and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls_server(self_signed):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed)
    server = RealtimeServer(tls=context)
    yield server
    server.stop()


def test_self_signed_certificate_is_accepted_where_the_client_accepts_it(tls_server, realtime_for):
    client = Client().set_endpoint(tls_server.endpoint).set_project("blog").set_self_signed()

    realtime_for(client).subscribe("documents", print)

    assert len(tls_server.handshakes) == 1


def test_self_signed_certificate_is_refused_otherwise(tls_server, realtime_for, caplog):
    client = Client().set_endpoint(tls_server.endpoint).set_project("blog")

    realtime_for(client).subscribe("documents", print, timeout=0)

    eventually(lambda: "certificate verify failed" in caplog.text)
    assert tls_server.handshakes == []
