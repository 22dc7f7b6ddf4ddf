"""The key ring: tokens hold for one purpose in one project, and survive a rotation."""

import base64
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import jwt
import pytest
import time_machine
from django.conf import settings
from django.db import connection, transaction

from kernel import clock
from projects import signing
from projects.models import SigningKey
from projects.signing import InvalidTokenError, sign, verify

pytestmark = [pytest.mark.db, pytest.mark.django_db]
WAIT_SECONDS = 30.0
MEETING_SECONDS = 0.2


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def built(key=None, header=None, without=(), **claims):
    """Return a token put together by hand, with the ring's real key unless another is given."""
    real = sign({"userId": "ada"}, "blog", "session")
    head = jwt.get_unverified_header(real)
    if key is None:
        salt = bytes(SigningKey.objects.get(kid=head["kid"]).salt)
        key = signing._derive(salt, "blog", "session")
    body = jwt.decode(real, options={"verify_signature": False}) | claims
    for claim in without:
        del body[claim]
    parts = [json.dumps(part).encode() for part in (head | (header or {}), body)]
    signed = ".".join(encoded(part) for part in parts)
    return f"{signed}.{encoded(hmac.digest(key, signed.encode(), 'sha256'))}"


def test_a_token_built_with_the_real_key_is_believed():
    assert verify(built(), "blog", "session")["userId"] == "ada"


def test_a_token_is_verified_where_it_belongs():
    claims = verify(sign({"userId": "ada"}, "blog", "session"), "blog", "session")
    assert claims["userId"] == "ada"
    assert (claims["aud"], claims["typ"]) == ("blog", "session")
    assert claims["exp"] - claims["iat"] == 900


@pytest.mark.parametrize(("project", "purpose"), [("shop", "session"), ("blog", "file")])
def test_a_token_is_worth_nothing_elsewhere(project, purpose):
    token = sign({"userId": "ada"}, "blog", "session")
    with pytest.raises(InvalidTokenError):
        verify(token, project, purpose)


def test_reserved_claims_cannot_be_given():
    token = sign({"aud": "shop", "iss": "me", "typ": "file"}, "blog", "session")
    assert verify(token, "blog", "session")["aud"] == "blog"


def test_a_token_ends():
    token = sign({}, "blog", "session", seconds=60)
    with time_machine.travel(clock.now() + timedelta(seconds=59)):
        verify(token, "blog", "session")
    with time_machine.travel(clock.now() + timedelta(seconds=61)), pytest.raises(InvalidTokenError):
        verify(token, "blog", "session")


def test_rotation_logs_nobody_out():
    old = sign({}, "blog", "session")
    kid = signing.rotate()
    new = sign({}, "blog", "session")
    assert jwt.get_unverified_header(new)["kid"] == kid
    assert jwt.get_unverified_header(old)["kid"] != kid
    verify(old, "blog", "session")
    verify(new, "blog", "session")


def test_a_key_another_process_made_is_found(monkeypatch):
    sign({}, "blog", "session")
    stale = signing._ring
    signing.rotate()
    token = sign({}, "blog", "session")
    signing._ring = stale
    with pytest.raises(InvalidTokenError):
        verify(token, "blog", "session")  # the ring was read a moment ago
    monkeypatch.setattr(signing, "RELOAD_SECONDS", 0.0)
    verify(token, "blog", "session")


def test_invented_key_ids_cost_no_statements(statements):
    token = built(header={"kid": "nope"})
    with statements() as seen:
        for _ in range(1000):
            with pytest.raises(InvalidTokenError):
                verify(token, "blog", "session")
    assert seen == []


@pytest.mark.parametrize(
    "header",
    [{"alg": "none"}, {"alg": "nOnE"}, {"alg": "HS512"}, {"jku": "http://127.0.0.1/"},
     {"x5u": "http://127.0.0.1/"}, {"crit": ["exp"]}, {"kid": 5}, {"kid": None}, {"b64": False}],
)  # fmt: skip
def test_headers_do_not_choose_how_a_token_is_checked(header):
    token = built(header=header)
    with pytest.raises(InvalidTokenError):
        verify(token, "blog", "session")


def test_a_token_without_a_signature_is_refused():
    token = built(header={"alg": "none"}).rpartition(".")[0] + "."
    with pytest.raises(InvalidTokenError):
        verify(token, "blog", "session")


@pytest.mark.parametrize("key", [b"x" * 32, settings.SECRET_KEY.encode()])
def test_other_keys_sign_nothing(key):
    token = built(key=key)
    with pytest.raises(InvalidTokenError):
        verify(token, "blog", "session")


@pytest.mark.parametrize("claim", ["exp", "iat", "iss", "aud", "typ"])
def test_every_claim_is_needed(claim):
    token = built(without=[claim])
    with pytest.raises(InvalidTokenError):
        verify(token, "blog", "session")


@pytest.mark.parametrize(
    "claims",
    [{"iss": "other"}, {"aud": ["blog", "shop"]}, {"typ": ["session"]}, {"exp": "never"},
     {"exp": 1e400}, {"exp": None}, {"exp": 0}],
)  # fmt: skip
def test_claims_of_another_shape_are_refused(claims):
    token = built(**claims)
    with pytest.raises(InvalidTokenError):
        verify(token, "blog", "session")


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "é.é.é", "x" * 5000, "e30.e30.e30", "\x00"])
def test_malformed_tokens_are_refused(token):
    with pytest.raises(InvalidTokenError):
        verify(token, "blog", "session")


def test_keys_are_never_stored():
    token = sign({}, "blog", "session")
    row = SigningKey.objects.get(kid=jwt.get_unverified_header(token)["kid"])
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, bytes(row.salt), algorithms=["HS256"], audience="blog")


@pytest.mark.django_db(transaction=True)
def test_processes_that_meet_an_empty_ring_agree_on_one_key():
    SigningKey.objects.all().delete()
    signing.forget()

    def load(_number):
        try:
            return signing._load_ring().newest
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        newest = set(pool.map(load, range(8)))
    assert len(newest) == 1
    assert SigningKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_first_key_that_was_rolled_back_is_not_remembered():
    SigningKey.objects.all().delete()
    signing.forget()
    with transaction.atomic():
        sign({}, "blog", "session")
        transaction.set_rollback(True)
    assert not SigningKey.objects.exists()
    verify(sign({}, "blog", "session"), "blog", "session")
    assert SigningKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_made_the_first_key_is_not_held_up_by_who_waits_for_it():
    SigningKey.objects.all().delete()
    signing.forget()

    def load():
        try:
            return signing.newest_key("blog", "session")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            made = signing.newest_key("blog", "session")
            waiting = pool.submit(load)
            time.sleep(MEETING_SECONDS)
            assert signing.newest_key("blog", "session") == made
        assert waiting.result(WAIT_SECONDS) == made  # and did not give up meanwhile
