"""The SDK's client, whose answers are checked against the description of the API on the way."""

import re
from functools import cache
from typing import Any, NamedTuple

from appwrite.client import Client

from tests.reference import assert_model, load

#: Operations whose answers are of several models, by what is asked for.
_MANY = {"databases.getAttribute", "tablesDB.getColumn", "project.getPolicy"}
#: Queries whose answers leave fields out.
_SHAPING = re.compile(
    r'"(select|count|sum|avg|min|max|stddev\w*|variance\w*|bit\w+|groupBy|distinct)"'
)
#: Of a bulk write, which shares its path with the write of one.
_BULK = {"documents": "DocumentList", "rows": "RowList"}


class _Operation(NamedTuple):
    method: str
    path: re.Pattern[str]
    model: str | None


class CheckedClient(Client):
    """Fails where an answer is not of the operation's model as strict clients read it.

    Not looked at is what leaves fields out because the caller selects others, or is only staged.
    """

    def call(
        self,
        method: str,
        path: str = "",
        headers: dict[str, str] | None = None,
        params: dict[str, Any] | None = None,
        response_type: str = "json",
    ) -> Any:
        answer = super().call(method, path, headers, params, response_type)
        sent = params or {}
        is_whole = not (_SHAPING.search(str(sent)) or sent.get("transactionId"))
        model = _model(method, path, sent)
        if model is not None and is_whole and isinstance(answer, dict):
            assert_model(model, answer)
        return answer


@cache
def _operations() -> list[_Operation]:
    """Return what answers JSON of a known model, or of none; the most particular paths first."""
    known = load("models")
    found = []
    for each in load("operations"):
        template = each["path"].removeprefix("/v1")
        model = each.get("response_model")
        is_one = isinstance(model, str) and model in known and each["id"] not in _MANY
        pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)) + r"\Z")
        letters = len(re.sub(r"\{\w+\}", "", template))
        operation = _Operation(each["method"].lower(), pattern, model if is_one else None)
        found.append((letters, operation))
    return [operation for _, operation in sorted(found, key=lambda pair: -pair[0])]


def _model(method: str, path: str, sent: dict[str, Any]) -> str | None:
    for each in _operations():
        if each.method == method and each.path.match(path):
            many = [model for name, model in _BULK.items() if name in sent]
            return many[0] if many else each.model
    return None
