"""Transactions: writes of documents that are staged, seen by their owner, and happen together."""

from documents.services.transactions.commits import update_transaction
from documents.services.transactions.rows import (
    create_transaction,
    delete_transaction,
    get_transaction,
    list_transactions,
    sweep_transactions,
)
from documents.services.transactions.staging import create_operations

__all__ = [
    "create_operations",
    "create_transaction",
    "delete_transaction",
    "get_transaction",
    "list_transactions",
    "sweep_transactions",
    "update_transaction",
]
