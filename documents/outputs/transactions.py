"""Transactions as answers."""

from typing import TypedDict

from documents.models import DocumentTransaction
from kernel import clock

TransactionOutput = TypedDict(
    "TransactionOutput",
    {
        "$id": str,
        "$createdAt": str,
        "$updatedAt": str,
        "status": str,
        "operations": int,
        "expiresAt": str,
    },
)


class TransactionList(TypedDict):
    """The model `TransactionList`."""

    total: int
    transactions: list[TransactionOutput]


def transaction_output(row: DocumentTransaction) -> TransactionOutput:
    return {
        "$id": row.uid,
        "$createdAt": clock.api_time(row.created_at),
        "$updatedAt": clock.api_time(row.updated_at),
        "status": row.status,
        "operations": row.operation_count,
        "expiresAt": clock.api_time(row.expires_at),
    }
