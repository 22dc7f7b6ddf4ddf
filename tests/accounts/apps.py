"""The other side of second factors: an authenticator app, and users who have one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pyotp
import time_machine

from accounts.models import User
from kernel import clock
from tests.client import ApiClient, Reply

APP = "/account/mfa/authenticators/totp"
CHALLENGES = "/account/mfa/challenges"
CODES = "/account/mfa/recovery-codes"


class App:
    """An authenticator app: each code is of a later step, since none is good twice."""

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)

    def code(self, *, steps: int = 0) -> str:
        """Return the code of now, or of so many steps of 30 seconds later."""
        return self._totp.at(clock.now(), counter_offset=steps)


def enrol(client: ApiClient) -> App:
    """Set up an app for a user, who is asked for it from now on."""
    app = App(client.post(APP).json["secret"])
    assert client.put(APP, {"otp": app.code(steps=-1)}).status == 200
    assert client.patch("/account/mfa", {"mfa": True}).status == 200
    return app


def challenge(client: ApiClient, factor: str) -> str:
    """Ask for a challenge; returns its id."""
    asked = client.post(CHALLENGES, {"factor": factor})
    assert asked.status == 201, asked.json
    uid: str = asked.json["$id"]
    return uid


def answer(client: ApiClient, uid: str, otp: str) -> Reply:
    return client.put(CHALLENGES, {"challengeId": uid, "otp": otp})


def later(seconds: int) -> datetime:
    return clock.now() + timedelta(seconds=seconds)


@contextmanager
def standing_clock() -> Iterator[None]:
    """Stop the clock, so that a code is of the step it was read in."""
    with time_machine.travel(clock.now(), tick=False):
        yield


def prove_contacts(uid: str = "alice", **columns: str) -> None:
    """Have a user's address proved, and a number where one is given."""
    User.objects.filter(uid=uid).update(
        is_email_verified=True, is_phone_verified="phone" in columns, **columns
    )
