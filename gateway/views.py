"""`Endpoint`: one public path. It checks what the label demands, then calls the handler."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Protocol, cast

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string
from rest_framework.views import APIView

from gateway import ratelimit
from gateway.credentials import read_credentials
from gateway.exceptions import JSON_CONTENT_TYPE, error_response, to_api_error
from gateway.operations import Operation
from gateway.parsing import header, read_params
from kernel.caller import Caller, Credentials, ProjectContext
from kernel.errors import ApiError, ErrorKind, invalid
from kernel.ids import is_valid_id

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: What whoever acts as another user may do with that user's account: look, and change what lets
#: nobody in.
OPEN_TO_IMPERSONATORS = frozenset(
    {
        "account.get",
        "account.getPasskey",
        "account.getPrefs",
        "account.getSession",
        "account.listIdentities",
        "account.listMFAFactors",
        "account.listPasskeys",
        "account.listSessions",
        "account.updateName",
        "account.updatePrefs",
    }
)
_ID_RULE = (
    "UID must contain at most 36 chars. Valid chars are a-z, A-Z, 0-9, period, hyphen, and"
    " underscore. Can't start with a special char"
)


class Authenticate(Protocol):
    """The function that `settings.APPWRITE_AUTHENTICATE` names."""

    def __call__(self, project: ProjectContext, credentials: Credentials) -> Caller: ...


@dataclass(slots=True)
class Call:
    """One request, ready for its handler: who calls, what they sent, which operation it is.

    `params` holds path, query and body parameters by public name; a handler may add `headers`
    and cookies (`name -> set_cookie arguments`) to its answer.
    """

    caller: Caller
    operation: Operation
    params: dict[str, Any]
    request: HttpRequest
    headers: dict[str, str] = field(default_factory=dict)
    cookies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def response_format(self) -> str:
        """The answer's version that the client asks for, empty when it does not say."""
        return header(self.request.META, "X-Appwrite-Response-Format")


@dataclass(frozen=True, slots=True)
class Answer:
    """A handler's result: JSON-ready `body` (None for an empty answer) and HTTP status."""

    body: Any = None
    status: int = 200


def created(body: Any) -> Answer:
    return Answer(body, 201)


def accepted(body: Any) -> Answer:
    return Answer(body, 202)


def no_content() -> Answer:
    return Answer(None, 204)


class Endpoint(APIView):
    """A path of the public API. Subclasses have one labelled method per verb: `(call) -> Answer`.

    `dialect` picks the vocabulary of a product with two (see `gateway.operations.operation`).
    """

    dialect: ClassVar[int] = 0

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        # Without Django's `self.head = self.get`: a view that holds a method of its own leaves its
        # request, with all that was read and answered, to the garbage collector.
        self.request = request  # type: ignore[assignment]  # handlers get a `Call`
        self.args, self.kwargs = args, kwargs

    def dispatch(self, request: HttpRequest, *_args: Any, **path: str) -> HttpResponseBase:
        spent: dict[str, str] = {}
        try:
            return self._answer(request, path, spent)
        except Exception as error:  # noqa: BLE001  # the one door: everything leaves as an envelope
            response = error_response(to_api_error(error, request))
            for name, value in spent.items():
                response.headers[name] = value
            return response

    def _answer(
        self, request: HttpRequest, path: dict[str, str], spent: dict[str, str]
    ) -> HttpResponseBase:
        handler, operation = self._handler(request.method or "")
        project = _project(request)
        # A service behind a gateway has its caller already (`gateway.identity`).
        caller = getattr(request, "caller", None) or _authenticate()(
            project, read_credentials(request)
        )
        check_access(operation, caller)
        params = self._params(request, operation) | path
        _check_path(path)
        call = Call(caller=caller, operation=operation, params=params, request=request)
        spent |= _spend(call)
        response = _respond(handler(call))
        _finish(call, response, spent)
        return response

    def _params(self, request: HttpRequest, _operation: Operation) -> dict[str, Any]:
        return read_params(request)

    def _handler(self, verb: str) -> tuple[Any, Operation]:
        handler = getattr(self, verb.lower(), None) if verb in VERBS else None
        if verb == "HEAD":
            handler = getattr(self, "get", None)
        labels: tuple[Operation, ...] = getattr(handler, "operations", ())
        if not labels:
            raise ApiError(ErrorKind.ROUTE_NOT_FOUND)
        return handler, labels[min(self.dialect, len(labels) - 1)]


def check_access(operation: Operation, caller: Caller) -> None:
    """Check what the label demands, in the public order (reference: semantics, section 1).

    Raises: ACCESS_FORBIDDEN, SERVICE_DISABLED, API_DISABLED, UNAUTHORIZED_SCOPE, USER_BLOCKED,
        USER_MORE_FACTORS_REQUIRED, USER_UNAUTHORIZED
    """
    project = caller.project
    if operation.needs_project and project.is_console:
        raise ApiError(ErrorKind.ACCESS_FORBIDDEN)
    if not caller.is_privileged:
        if operation.service in project.disabled_services:
            raise ApiError(ErrorKind.SERVICE_DISABLED)
        if "rest" in project.disabled_protocols:
            raise ApiError(ErrorKind.API_DISABLED)
    is_open = "public" in operation.scope or caller.has_scope(operation.scope)
    if not is_open or (operation.is_for_servers and not caller.is_privileged):
        raise ApiError(ErrorKind.UNAUTHORIZED_SCOPE, _scope_text(operation, caller))
    if caller.is_blocked:
        raise ApiError(ErrorKind.USER_BLOCKED)
    if caller.needs_factor and not _is_for_lacking(operation, caller):
        raise ApiError(ErrorKind.USER_MORE_FACTORS_REQUIRED)
    if caller.impersonator_uid:
        _check_impersonation(operation)


def _check_impersonation(operation: Operation) -> None:
    """Keep whoever acts as another user from making themselves a lasting way into the account."""
    if operation.service == "account" and operation.id not in OPEN_TO_IMPERSONATORS:
        raise ApiError(
            ErrorKind.USER_UNAUTHORIZED, "Nobody but the user themselves may do this to an account."
        )


def _is_for_lacking(operation: Operation, caller: Caller) -> bool:
    return operation.is_for_pending or (caller.must_enrol and operation.is_for_enrolling)


def _scope_text(operation: Operation, caller: Caller) -> str:
    holder = caller.user_uid or ("app" if caller.is_privileged else "guests")
    role = f"User (role: {holder if not caller.user_uid else 'users'})"
    return f"{role} missing scopes ({json_list(operation.scope)})"


def json_list(values: tuple[str, ...]) -> str:
    return orjson.dumps(list(values)).decode()


def _project(request: HttpRequest) -> ProjectContext:
    project: ProjectContext | None = getattr(request, "project", None)
    if project is None:
        raise ApiError(ErrorKind.PROJECT_NOT_FOUND)
    return project


@cache
def _authenticate() -> Authenticate:
    return cast("Authenticate", import_string(settings.APPWRITE_AUTHENTICATE))


def _check_path(path: Mapping[str, str]) -> None:
    for name, value in path.items():
        if not is_valid_id(value):
            raise invalid(name, _ID_RULE)


def _spend(call: Call) -> dict[str, str]:
    return ratelimit.count(
        call.operation,
        caller=call.caller,
        url=_route(call.request),
        method=call.request.method or "",
        params=call.params,
    )


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    return match.route if match else request.path


def _respond(answer: Answer | HttpResponseBase) -> HttpResponseBase:
    if isinstance(answer, HttpResponseBase):
        return answer
    if answer.body is None:
        # SDKs parse whatever calls itself JSON, and an empty body is none.
        return HttpResponse(status=answer.status, content_type="text/plain; charset=UTF-8")
    body = orjson.dumps(answer.body)
    return HttpResponse(body, content_type=JSON_CONTENT_TYPE, status=answer.status)


def _finish(call: Call, response: HttpResponseBase, spent: dict[str, str]) -> None:
    limit = ratelimit.limit_of(call.operation, call.caller)
    if limit and response.status_code in limit.reset_on:
        ratelimit.reset(
            limit,
            caller=call.caller,
            url=_route(call.request),
            method=call.request.method or "",
            params=call.params,
        )
    store = response.headers._store
    for name, value in spent.items():  # numbers, of which Django need not check each character
        store[name.lower()] = (name, value)
    for name, value in call.headers.items():
        response.headers[name] = value
    for cookie in call.cookies:
        response.set_cookie(**cookie)


def route_not_found(_request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer any path that is none of ours."""
    return error_response(ApiError(ErrorKind.ROUTE_NOT_FOUND))


def server_error(_request: HttpRequest) -> HttpResponse:
    """Answer a failure outside of any endpoint."""
    return error_response(ApiError(ErrorKind.SERVER_ERROR))
