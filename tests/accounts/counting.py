"""Counting statements of a write."""


def until_commit(statements: list[str]) -> list[str]:
    """Leave out the word sent to sockets after the commit, when the write is done."""
    return [each for each in statements if "pg_notify" not in each]
