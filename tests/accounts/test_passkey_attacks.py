"""Passkeys under attack: replays, other people's answers, other pages, bent and broken devices."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from fido2 import cbor
from fido2.utils import websafe_decode, websafe_encode
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import webauthn
from accounts.models import Passkey, PasskeyChallenge, Session, Token
from projects import services as projects
from tests.accounts.authenticators import (
    BACKED_UP,
    CREATE,
    DOMAIN,
    PAGE,
    PRESENT,
    VERIFIED,
    Authenticator,
    add_platform,
    answer,
    ask,
    register,
    sign_in,
    verify,
)
from tests.accounts.policies import set_policy
from tests.client import ApiClient

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PARTY = webauthn.RelyingParty(DOMAIN, (PAGE,))


@pytest.fixture
def her(project, alice, client_for):
    add_platform(project)
    set_policy(project, "passkey", rpId=DOMAIN)
    return client_for(project, session=alice.session)


@pytest.fixture
def his(project, bob, client_for):
    return client_for(project, session=bob.session)


@pytest.fixture
def device(her):
    made = Authenticator()
    register(her, made)
    return made


def begun(client, **body):
    return client.post("/account/passkeys", body, origin=PAGE).json


def redeemable(token):
    return {"userId": token["userId"], "secret": token["secret"]}


# Challenges


def test_challenge_is_good_for_one_answer_right_or_wrong(her, guest, device):
    challenge = ask(guest)
    proof = device.get(challenge["publicKey"])
    assert answer(guest, challenge, proof).status == 201
    assert answer(guest, challenge, proof).error == "user_invalid_token"
    wronged = ask(guest)
    assert answer(guest, wronged, proof).error == "user_passkey_invalid"
    good = device.get(wronged["publicKey"])
    assert answer(guest, wronged, good).error == "user_invalid_token"
    asked = begun(her, passkeyId="key")
    other = Authenticator().create(begun(her, passkeyId="other")["publicKey"])
    assert verify(her, "key", other).error == "user_passkey_invalid"
    made = Authenticator().create(asked["publicKey"])
    assert verify(her, "key", made).error == "user_invalid_token"
    assert Passkey.objects.count() == 1


def test_challenge_of_one_project_is_worth_nothing_in_another(
    guest, device, other_project, client_for
):
    add_platform(other_project)
    set_policy(other_project, "passkey", rpId=DOMAIN)
    elsewhere = client_for(other_project)
    here, there = ask(guest), ask(elsewhere)
    assert answer(elsewhere, here, device.get(here["publicKey"])).error == "user_invalid_token"
    # Nor is a passkey of the first project known in the second, though both are on one domain.
    proof = device.get(there["publicKey"])
    assert answer(elsewhere, there, proof).error == "user_passkey_invalid"
    assert answer(guest, here, device.get(here["publicKey"])).status == 201


def test_challenge_to_register_signs_nobody_in_and_the_other_way_round(her, guest, device):
    asked, challenge = begun(her, passkeyId="key"), ask(guest)
    options = {"challenge": asked["publicKey"]["challenge"], "rpId": DOMAIN}
    assert answer(guest, asked, device.get(options)).error == "user_invalid_token"
    assert answer(guest, challenge, device.get(options)).error == "user_passkey_invalid"
    wanted = asked["publicKey"] | {"challenge": challenge["publicKey"]["challenge"]}
    assert verify(her, "key", Authenticator().create(wanted)).error == "user_passkey_invalid"
    assert not Token.objects.exists()


def test_user_completes_no_registration_of_another_or_of_another_session(
    her, his, guest, device, project, client_for
):
    asked = begun(her, passkeyId="key")
    made = Authenticator().create(asked["publicKey"])
    assert verify(his, "key", made).error == "user_invalid_token"
    theirs = begun(his, passkeyId="key")
    assert verify(his, "key", made).error == "user_passkey_invalid"
    assert theirs["publicKey"]["user"]["id"] != asked["publicKey"]["user"]["id"]
    opened = guest.post("/account/sessions/token", redeemable(sign_in(guest, device).json))
    cookie = opened.cookies["a_session_blog"].value
    second = client_for(project, cookies={"a_session_blog": cookie})
    assert verify(second, "key", made).error == "user_invalid_token"
    assert verify(her, "key", made).status == 200


def test_token_of_a_passkey_is_good_once_and_for_its_user_only(guest, device, bob):
    token = redeemable(sign_in(guest, device).json)
    theft = guest.post("/account/sessions/token", token | {"userId": "bob"})
    assert theft.error == "user_invalid_token"
    recovery = guest.put("/account/recovery", token | {"password": "a new long password"})
    assert recovery.error == "user_invalid_token"
    assert guest.post("/account/sessions/token", token).status == 201
    assert guest.post("/account/sessions/token", token).error == "user_invalid_token"


# Devices and pages


@pytest.mark.parametrize(
    ("said", "flags"),
    [
        pytest.param({"origin": "https://evil.example.net"}, None, id="another site"),
        pytest.param({"origin": "https://evil.example.com"}, None, id="no platform"),
        pytest.param({"origin": "http://app.example.com"}, None, id="no TLS"),
        pytest.param({"origin": "https://app.example.com.evil.net"}, None, id="look-alike"),
        pytest.param({"origin": "https://[bad"}, None, id="no origin"),
        pytest.param({"origin": 5}, None, id="number"),
        pytest.param({"crossOrigin": True}, None, id="frame of another site"),
        pytest.param({"rp_id": "example.net"}, None, id="another domain"),
        pytest.param({}, PRESENT, id="unverified user"),
        pytest.param({}, VERIFIED, id="absent user"),
        pytest.param({}, PRESENT | VERIFIED | BACKED_UP, id="copied and uncopyable"),
    ],
)
def test_what_a_page_or_device_must_not_say_is_refused(her, guest, device, said, flags):
    asked = begun(her, passkeyId="key")
    bent = Authenticator(flags=flags or PRESENT | VERIFIED)
    refused = verify(her, "key", bent.create(asked["publicKey"], **said))
    assert (refused.status, refused.error) == (401, "user_passkey_invalid")
    device.flags = bent.flags
    challenge = ask(guest)
    refused = answer(guest, challenge, device.get(challenge["publicKey"], **said))
    assert (refused.status, refused.error) == (401, "user_passkey_invalid")
    assert Passkey.objects.count() == 1
    assert not Token.objects.exists()


def test_signature_for_one_thing_does_for_no_other(her, guest, device):
    challenge = ask(guest)
    proof = device.get(challenge["publicKey"], type=CREATE)
    assert answer(guest, challenge, proof).error == "user_passkey_invalid"
    for name in ("signature", "authenticatorData", "userHandle"):
        challenge = ask(guest)
        proof = device.get(challenge["publicKey"])
        content = bytearray(websafe_decode(proof["response"][name]))
        content[-1] ^= 1
        proof["response"][name] = websafe_encode(bytes(content))
        assert answer(guest, challenge, proof).error == "user_passkey_invalid"
    challenge = ask(guest)
    proof = device.get(challenge["publicKey"])
    del proof["response"]["userHandle"]
    assert answer(guest, challenge, proof).error == "user_passkey_invalid"


def test_key_of_one_user_does_not_stand_for_another(his, guest, device):
    own = Authenticator()
    register(his, own)
    challenge = ask(guest)
    proof = own.get(challenge["publicKey"])
    hers = websafe_encode(device.keys[0].id)
    stolen = proof | {"id": hers, "rawId": hers}
    assert answer(guest, challenge, stolen).error == "user_passkey_invalid"
    own.keys[0].handle = device.keys[0].handle
    assert sign_in(guest, own).error == "user_passkey_invalid"


def test_copy_of_a_device_that_counts_is_found_out(guest, device):
    clone = copy.deepcopy(device)
    assert sign_in(guest, device).status == 201
    assert sign_in(guest, device).status == 201
    assert sign_in(guest, clone).error == "user_passkey_invalid"
    assert Passkey.objects.get().sign_count == 2
    device.counts = False
    assert sign_in(guest, device).error == "user_passkey_invalid"


def test_device_that_does_not_count_signs_in_again_and_again(her, guest):
    device = Authenticator(counts=False)
    register(her, device)
    assert [sign_in(guest, device).status for _ in range(2)] == [201, 201]


@pytest.mark.parametrize("broken", ["another curve", "off the curve", "none", "another id"])
def test_keys_that_prove_nothing_are_not_kept(her, broken):
    asked = begun(her, passkeyId="key")
    device = Authenticator("ES384" if broken == "another curve" else "ES256")
    made = device.create(asked["publicKey"])
    attested: Any = cbor.decode(websafe_decode(made["response"]["attestationObject"]))
    data = bytearray(attested["authData"])
    if broken == "off the curve":
        data[-1] ^= 1
    if broken == "none":
        data = data[:37]
        data[32] = PRESENT | VERIFIED
    if broken == "another id":
        made |= dict.fromkeys(("id", "rawId"), websafe_encode(b"another"))
    attested["authData"] = bytes(data)
    made["response"]["attestationObject"] = websafe_encode(cbor.encode(attested))
    assert verify(her, "key", made).error == "user_passkey_invalid"
    assert not Passkey.objects.exists()


# The domain


def test_changed_domain_ends_what_was_begun_on_the_one_before(her, guest, project):
    asked, challenge = begun(her, passkeyId="key"), ask(guest)
    set_policy(project, "passkey", rpId="app.example.com")
    made = Authenticator().create(asked["publicKey"])
    assert verify(her, "key", made).error == "user_passkey_invalid"
    device = Authenticator()
    register(her, device)
    proof = device.get(challenge["publicKey"])
    assert answer(guest, challenge, proof).error == "user_passkey_invalid"


def test_page_that_is_no_longer_the_projects_gets_no_one_in(guest, device, project):
    challenge = ask(guest)
    caller = projects.operator()
    platform = projects.list_platforms(caller=caller, project_id=project.uid)["platforms"][0]
    projects.delete_platform(caller=caller, project_id=project.uid, platform_id=platform["$id"])
    body = {"challengeId": challenge["$id"], "credential": device.get(challenge["publicKey"])}
    assert guest.put("/account/tokens/passkey", body).error == "user_passkey_invalid"


# Whatever is sent


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
_bytes = st.binary(max_size=200).map(websafe_encode)


@settings(max_examples=60)
@given(data=st.data())
def test_answers_are_believed_or_refused_whatever_they_hold(data):
    options = {"challenge": websafe_encode(bytes(32)), "rpId": DOMAIN, "rp": {"id": DOMAIN}}
    device = Authenticator("EdDSA")
    made = device.create(options | {"user": {"id": websafe_encode(b"alice")}})
    proof = device.get(options)
    for credential, kind in ((made, webauthn.Registration), (proof, webauthn.Assertion)):
        where = data.draw(st.sampled_from([credential, credential["response"]]))
        name = data.draw(st.sampled_from(sorted(where)))
        where[name] = data.draw(st.one_of(_json, _bytes, _bent(where[name])))
        try:
            read = kind.read(credential)
            read.verify(PARTY, *((b"\xa0",) if kind is webauthn.Assertion else ()))
        except webauthn.InvalidCredentialError:
            continue


@st.composite
def _bent(draw, value):
    """Bytes of an answer with one of them changed, or with the rest cut off."""
    if not isinstance(value, str):
        return value
    content = bytearray(websafe_decode(value))
    at = draw(st.integers(0, max(len(content) - 1, 0)))
    if draw(st.booleans()):
        del content[at:]
    elif content:
        content[at] = draw(st.integers(0, 255))
    return websafe_encode(bytes(content))


@pytest.mark.parametrize("nested", [b"\x81" * 8000, b"\xa1\x00" * 4000, b"\x9b" + b"\xff" * 8])
def test_nested_and_endless_structures_are_refused(her, nested):
    asked = begun(her, passkeyId="key")
    made = Authenticator().create(asked["publicKey"])
    made["response"]["attestationObject"] = websafe_encode(nested)
    assert verify(her, "key", made).error == "user_passkey_invalid"


# At the same moment


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_many_who_answer_a_challenge_at_once_one_gets_in(her, guest, device):
    challenge = ask(guest)
    proof = device.get(challenge["publicKey"])
    barrier = threading.Barrier(4)

    def try_it(_number: int) -> str:
        barrier.wait()
        try:
            return answer(ApiClient(guest.headers), challenge, proof).error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        errors = sorted(pool.map(try_it, range(4)))
    assert errors == ["", *["user_invalid_token"] * 3]
    assert Token.objects.count() == 1
    assert not PasskeyChallenge.objects.exists()
    assert Session.objects.count() == 1
