"""Single-use secrets that many use at the same moment, on committed transactions."""

from functools import partial

import pytest

from accounts.models import Session, Token
from tests.accounts.test_races import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def secret(project, client_for, make_key, alice):
    """Make tokens of a length for alice; returns the secret."""
    server = client_for(project, key=make_key(project, ["users.write"]))

    def make(length):
        return server.post("/users/alice/tokens", {"length": length}).json["secret"]

    return make


@pytest.mark.parametrize("length", [6, 64])
def test_class_09_one_of_fifty_uses_of_a_token_wins(project, client_for, secret, length):
    guest = client_for(project)
    body = {"userId": "alice", "secret": secret(length)}
    before = Session.objects.count()
    replies = at_once([lambda: guest.post("/account/sessions/token", body)] * 50)
    assert sorted(reply.status for reply in replies) == [201] + [401] * 49
    assert Session.objects.count() == before + 1


def test_class_11_parallel_guesses_never_get_more_tries_than_a_token_bears(
    project, client_for, secret
):
    guest = client_for(project)
    right = secret(6)
    guesses = [f"wrong{number}" for number in range(40)]
    replies = at_once(
        [
            partial(guest.post, "/account/sessions/token", {"userId": "alice", "secret": guess})
            for guess in guesses
        ]
    )
    assert {reply.status for reply in replies} == {401}
    assert Token.objects.get().tries_left == 0
    late = guest.post("/account/sessions/token", {"userId": "alice", "secret": right})
    assert (late.status, late.error) == (401, "user_invalid_token")


def test_guesses_at_several_tokens_of_a_user_wait_in_no_circle(project, client_for, secret):
    guest = client_for(project)
    secrets = [secret(6) for _ in range(5)]
    replies = at_once(
        [
            partial(guest.post, "/account/sessions/token", {"userId": "alice", "secret": each})
            for each in [*secrets, "wrong"] * 5
        ]
    )
    assert {reply.status for reply in replies} <= {201, 401}
    assert [reply.status for reply in replies].count(201) == Token.objects.exclude(
        used_at=None
    ).count()
