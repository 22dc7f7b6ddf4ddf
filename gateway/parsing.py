"""Request parameters as the SDKs send them: query string, JSON, forms and multipart."""

import copy
import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from kernel.errors import ApiError, ErrorKind
from kernel.limits import MAX_JSON_DEPTH
from kernel.payloads import TooManyValuesError, check_values

MAX_KEY_PARTS = 8
KNOWN_QUERIES = 512
LONGEST_KNOWN_QUERY = 2048
_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)\Z")
_NUL_ESCAPE = b"\\u0000"
# A part of a form may name a charset that does not exist: LookupError.
_UNREADABLE = (
    MultiPartParserError,
    UnreadablePostError,
    SuspiciousOperation,
    UnicodeError,
    LookupError,
)
_FORM_TYPES = ("application/x-www-form-urlencoded", "")


def read_query(request: HttpRequest) -> dict[str, Any]:
    """Return the query parameters alone, of a request whose body is a file.

    Raises: BAD_REQUEST
    """
    return _query_params(request)


def read_params(request: HttpRequest) -> dict[str, Any]:
    """Return the query and body parameters of a request, the body's winning; parsed once.

    Lists arrive as `name[0]=..`, `name[]=..` or repeated, objects as `name[key]=..`.

    Raises: BAD_REQUEST, PAYLOAD_TOO_LARGE
    """
    cached: dict[str, Any] | None = getattr(request, "params", None)
    if cached is not None:
        return cached
    params = _query_params(request)
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        params |= _body_params(request)
    request.params = params  # type: ignore[attr-defined]  # an attribute of our own
    return params


def _query_params(request: HttpRequest) -> dict[str, Any]:
    text = request.META.get("QUERY_STRING", "")
    if not text:
        return {}
    if len(text) > LONGEST_KNOWN_QUERY:
        return _unflatten(request.GET.lists())
    # Whoever asked may change what they got.
    return {name: _copied(value) for name, value in _known_query(text).items()}


def _copied(value: Any) -> Any:
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return copy.deepcopy(value) if isinstance(value, dict) else value


@lru_cache(maxsize=KNOWN_QUERIES)
def _known_query(text: str) -> dict[str, Any]:
    """Read a query string once: pages ask for the same lists again and again."""
    return _unflatten(QueryDict(text.encode("latin-1"), encoding="utf-8").lists())


def _body_params(request: HttpRequest) -> dict[str, Any]:
    content_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    try:
        if content_type == "multipart/form-data":
            return _unflatten(request.POST.lists()) | dict(request.FILES.items())
        body = request.body
        if not body:
            return {}
        if content_type in _FORM_TYPES and not body.lstrip().startswith(b"{"):
            return _unflatten(QueryDict(body, encoding="utf-8").lists())
        return _json_object(body)
    except RequestDataTooBig:
        raise ApiError(ErrorKind.PAYLOAD_TOO_LARGE) from None
    except _UNREADABLE:
        raise ApiError(ErrorKind.BAD_REQUEST, "The request body could not be read.") from None


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        check_values(body)
        params = orjson.loads(body)
    except TooManyValuesError as error:
        raise ApiError(ErrorKind.PAYLOAD_TOO_LARGE, f"{error}.") from None
    except orjson.JSONDecodeError:
        raise ApiError(ErrorKind.BAD_REQUEST, "The request body is not valid JSON.") from None
    if body.count(b"{") + body.count(b"[") > MAX_JSON_DEPTH:
        _check_depth(params)
    if _NUL_ESCAPE in body:
        _check_nul(params)
    if isinstance(params, dict):
        return params
    if not params:
        return {}
    raise ApiError(ErrorKind.BAD_REQUEST, "The request body must be a JSON object.")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [child for each in level for child in _children(each)]
        if not level:
            return
    raise ApiError(ErrorKind.BAD_REQUEST, f"JSON nested deeper than {MAX_JSON_DEPTH} levels.")


def _check_nul(value: Any) -> None:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str) and "\x00" in item:
            raise ApiError(ErrorKind.BAD_REQUEST, "Text must not hold a NUL character.")
        if isinstance(item, dict):
            stack.extend(item.keys())
        stack.extend(_children(item))


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _unflatten(pairs: Iterable[tuple[str, list[Any]]]) -> dict[str, Any]:
    """Turn `a[0]=x&a[1]=y&b[k]=z` into `{"a": ["x", "y"], "b": {"k": "z"}}`."""
    params: dict[str, Any] = {}
    for name, values in pairs:
        if any("\x00" in value for value in (name, *values)):
            raise ApiError(ErrorKind.BAD_REQUEST, "Text must not hold a NUL character.")
        match = _KEY.match(name)
        if match is None:
            params[name] = values[-1] if len(values) == 1 else list(values)
        else:
            parts = match.group(2)[1:-1].split("][")[:MAX_KEY_PARTS]
            _insert(params, [match.group(1), *parts], values)
    return {name: _as_list(value) for name, value in params.items()}


def _insert(params: dict[str, Any], path: list[str], values: list[Any]) -> None:
    node: Any = params
    for part in path[:-1]:
        child = node.get(part)
        if not isinstance(child, dict):
            child = node[part] = {}
        node = child
    if path[-1]:
        node[path[-1]] = values[-1]
    else:
        for value in values:
            node[str(len(node))] = value


def _as_list(value: Any) -> Any:
    """Make objects whose keys are 0, 1, 2 ... the lists they stand for."""
    if not isinstance(value, dict):
        return value
    children = {name: _as_list(child) for name, child in value.items()}
    if all(name.isdecimal() and len(name) < 6 for name in children):
        return [children[name] for name in sorted(children, key=int)]
    return children


def header(meta: Mapping[str, Any], name: str) -> str:
    """Return a request header by its public name, or an empty text."""
    value: str = meta.get(_meta_name(name), "")
    return value


@cache
def _meta_name(name: str) -> str:
    return "HTTP_" + name.upper().replace("-", "_")
