"""Sessions, tokens and links past their time are swept; the others stay."""

from datetime import timedelta

import pytest

from accounts.models import (
    Challenge,
    ConsoleLink,
    OAuthFlow,
    PasskeyChallenge,
    Session,
    Token,
    User,
)
from accounts.services import retention
from kernel import clock, jobs

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PAST, LATER = -timedelta(minutes=5), timedelta(minutes=5)


@pytest.fixture
def user(alice):
    Session.objects.all().delete()
    return User.objects.get(uid="alice")


def add(user, name, age):
    """Add a session, a token, a link and a challenge that expire at the same moment."""
    known = {"digest": name.encode(), "expires_at": clock.now() + age}
    Session.objects.create(user=user, uid=name, provider="email", **known)
    Token.objects.create(user=user, uid=name, purpose="test", **known)
    ConsoleLink.objects.create(**known)
    Challenge.objects.create(user=user, uid=name, session_id=0, tries_left=5, **known)
    PasskeyChallenge.objects.create(project_id=user.project_id, uid=name, **known)
    flow = {"uid": name, "provider": "github", "expires_at": known["expires_at"]}
    OAuthFlow.objects.create(project_id=user.project_id, browser=name.encode(), **flow)


def test_what_has_expired_is_swept(user):
    add(user, "old", PAST)
    add(user, "good", LATER)

    jobs.sweep()

    assert [each.uid for each in OAuthFlow.objects.all()] == ["good"]
    for model in (Session, Token, ConsoleLink, Challenge, PasskeyChallenge):
        assert [bytes(each.digest) for each in model.objects.all()] == [b"good"], model


def test_many_are_swept_in_batches(user, monkeypatch, statements):
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(3):
        add(user, f"good {number}", LATER)
        add(user, f"old {number}", PAST)

    with statements() as seen:
        assert retention.sweep_expired() == 18

    assert Session.objects.count() == Token.objects.count() == ConsoleLink.objects.count() == 3
    assert Challenge.objects.count() == 3
    assert len(seen) == 4 * 6
