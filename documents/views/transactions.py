"""Paths of transactions."""

from documents import services
from documents.inputs.transactions import (
    CreateOperationsInput,
    CreateTransactionInput,
    ListTransactionsInput,
    TransactionInput,
    UpdateTransactionInput,
    read_operation,
)
from documents.views.documents import ROW_READ, ROW_WRITE, WRITE
from documents.views.endpoints import VocabularyEndpoint
from gateway.operations import operation
from gateway.views import Answer, Call, created, no_content
from kernel.fields import as_dict

# So the public description has it, for this vocabulary too.
READ = "rows.read"


class TransactionsView(VocabularyEndpoint):
    @operation(
        "databases.listTransactions",
        "tablesDB.listTransactions",
        scope=READ,
        twin_scope=ROW_READ,
        needs_project=True,
    )
    def get(self, call: Call) -> Answer:
        data = self.read(ListTransactionsInput, call)
        return Answer(services.list_transactions(caller=call.caller, **as_dict(data)))

    @operation(
        "databases.createTransaction",
        "tablesDB.createTransaction",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        needs_project=True,
    )
    def post(self, call: Call) -> Answer:
        data = self.read(CreateTransactionInput, call)
        return created(services.create_transaction(caller=call.caller, **as_dict(data)))


class TransactionView(VocabularyEndpoint):
    @operation(
        "databases.getTransaction",
        "tablesDB.getTransaction",
        scope=READ,
        twin_scope=ROW_READ,
        needs_project=True,
    )
    def get(self, call: Call) -> Answer:
        data = self.read(TransactionInput, call)
        return Answer(services.get_transaction(caller=call.caller, **as_dict(data)))

    @operation(
        "databases.updateTransaction",
        "tablesDB.updateTransaction",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        needs_project=True,
    )
    def patch(self, call: Call) -> Answer:
        data = self.read(UpdateTransactionInput, call)
        return Answer(services.update_transaction(caller=call.caller, **as_dict(data)))

    @operation(
        "databases.deleteTransaction",
        "tablesDB.deleteTransaction",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        needs_project=True,
    )
    def delete(self, call: Call) -> Answer:
        data = self.read(TransactionInput, call)
        services.delete_transaction(caller=call.caller, **as_dict(data))
        return no_content()


class OperationsView(VocabularyEndpoint):
    @operation(
        "databases.createOperations",
        "tablesDB.createOperations",
        scope=WRITE,
        twin_scope=ROW_WRITE,
        needs_project=True,
    )
    def post(self, call: Call) -> Answer:
        data = self.read(CreateOperationsInput, call)
        return created(
            services.create_operations(
                caller=call.caller,
                names=self.names,
                transaction_id=data.transaction_id,
                operations=[read_operation(each, self.names) for each in data.operations],
            )
        )
