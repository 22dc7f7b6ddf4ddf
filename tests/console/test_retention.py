"""Logins to the console past their time are swept; the others stay."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session

from console import retention
from kernel import clock, jobs

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def test_expired_logins_are_swept_in_batches(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    now = clock.now()
    for number in range(5):
        Session.objects.create(session_key=f"old{number}", expire_date=now - timedelta(minutes=5))
    Session.objects.create(session_key="good", expire_date=now + timedelta(minutes=5))

    jobs.sweep()

    assert [each.session_key for each in Session.objects.all()] == ["good"]
