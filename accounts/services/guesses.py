"""Guessing passwords gets slower: for each account, and for each address that guesses."""

from django.conf import settings

from kernel import addresses, sql
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.turns import Turn, forget_turns, give_turn_back, take_both_turns

#: As many as the limit of the operation lets through in its window.
FREE_PER_ACCOUNT = 10
#: Many people may share an address.
FREE_PER_ADDRESS = 100


def take_guess(caller: Caller, email: str) -> None:
    """Count a sign-in as one in vain until `guessed` says otherwise; known and unknown alike.

    Raises: RATE_LIMIT_EXCEEDED
    """
    if _is_trusted(caller):
        return
    wait = take_both_turns(
        Turn(_address(caller), FREE_PER_ADDRESS), Turn(_account(caller, email), FREE_PER_ACCOUNT)
    )
    if wait:
        raise ApiError(ErrorKind.RATE_LIMIT_EXCEEDED, headers={"Retry-After": str(wait)})


def guessed(caller: Caller, email: str) -> None:
    """Note that the password was right: it clears the account, and this one try of the address."""
    if not _is_trusted(caller):
        with sql.together():
            give_turn_back(_address(caller))
            forget_turns(_account(caller, email))


def _is_trusted(caller: Caller) -> bool:
    return caller.is_privileged or not settings.GUESS_DELAYS


def _account(caller: Caller, email: str) -> str:
    return f"{caller.project.id}:account:{email}"


def _address(caller: Caller) -> str:
    return f"{caller.project.id}:address:{addresses.subscriber(caller.ip)}"
