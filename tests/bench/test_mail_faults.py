"""The mail server of the faults: it counts what arrives, and falls silent when told to."""

import smtplib

import pytest

from bench.faults.mails import MailServer

MAIL = "Subject: Hello\r\nMessage-ID: {}\r\n\r\nA line\r\n..\r\nthe last one\r\n"


@pytest.fixture
def server():
    made = MailServer()
    made.start()
    yield made
    made.stop()


def send(server, message_id):
    with smtplib.SMTP("127.0.0.1", server.port, timeout=0.3) as client:
        client.sendmail("a@example.com", ["b@example.com"], MAIL.format(message_id))


def test_mails_are_counted_by_their_id(server):
    for message_id in ("<one@x>", "<two@x>", "<one@x>"):
        send(server, message_id)
    assert server.arrived == {b"<one@x>": 2, b"<two@x>": 1}


def test_a_silent_server_is_there_and_says_nothing(server):
    server.is_silent = True
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        send(server, "<one@x>")
    assert not server.arrived


def test_a_server_that_comes_back_is_where_it_was(server):
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        send(server, "<one@x>")
    server.start()
    send(server, "<one@x>")
    assert server.arrived == {b"<one@x>": 1}
