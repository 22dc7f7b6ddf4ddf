"""Logins to the console past their time are deleted."""

from django.contrib.sessions.models import Session

from kernel import clock, jobs

BATCH = 1000


@jobs.hourly
def sweep_logins() -> int:
    """Delete expired logins, in as many statements as it takes; return how many."""
    count = 0
    while True:
        expired = Session.objects.filter(expire_date__lt=clock.now()).values("session_key")
        deleted, _ = Session.objects.filter(session_key__in=expired[:BATCH]).delete()
        count += deleted
        if deleted < BATCH:
            return count
