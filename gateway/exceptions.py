"""The one door by which failures leave: exceptions to the error envelope."""

import logging

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from psycopg import errors as pg_errors

from kernel.errors import ApiError, ErrorKind

JSON_CONTENT_TYPE = "application/json; charset=UTF-8"
RETRY_AFTER_SECONDS = 1
_NO_CACHE = "no-cache, no-store, must-revalidate"
_KNOWN_STATUSES = frozenset(
    {400, 401, 402, 403, 404, 405, 408, 409, 410, 412, 413, 416, 422, 429, 451, 501, 503}
)

_logger = logging.getLogger(__name__)


def error_response(error: ApiError) -> HttpResponse:
    """Return the answer for a refusal; statuses SDKs do not know become 500."""
    known = error.kind.status in _KNOWN_STATUSES
    shown = error if known else ApiError(ErrorKind.SERVER_ERROR)
    body = error.body(settings.APPWRITE_VERSION) | {
        "message": shown.message,
        "code": shown.kind.status,
    }
    response = HttpResponse(
        orjson.dumps(body), content_type=JSON_CONTENT_TYPE, status=shown.kind.status
    )
    response.headers["Cache-Control"] = _NO_CACHE
    for name, value in error.headers.items():
        response.headers[name] = value
    return response


def to_api_error(error: Exception, request: HttpRequest) -> ApiError:
    """Translate any exception; what nobody anticipated is logged once and told to no client."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, Http404):
        return ApiError(ErrorKind.ROUTE_NOT_FOUND)
    if isinstance(error, RequestDataTooBig):
        return ApiError(ErrorKind.PAYLOAD_TOO_LARGE)
    if isinstance(error, SuspiciousOperation):
        return ApiError(ErrorKind.BAD_REQUEST)
    if isinstance(error, DatabaseError | InterfaceError):
        return _database_error(error, request)
    _logger.error("unhandled error in %s %s", request.method, request.path, exc_info=error)
    return ApiError(ErrorKind.SERVER_ERROR)


def _database_error(error: Exception, request: HttpRequest) -> ApiError:
    cause = error.__cause__
    if isinstance(cause, pg_errors.QueryCanceled):
        return ApiError(ErrorKind.DATABASE_TIMEOUT)
    # A disk that is nearly full, or a standby that was promised to be more: only reading goes on.
    is_read_only = isinstance(cause, pg_errors.ReadOnlySqlTransaction)
    if isinstance(error, OperationalError | InterfaceError) or is_read_only:
        _logger.warning("database unavailable in %s %s: %s", request.method, request.path, error)
        return ApiError(
            ErrorKind.SERVICE_UNAVAILABLE, headers={"Retry-After": str(RETRY_AFTER_SECONDS)}
        )
    _logger.error("database error in %s %s", request.method, request.path, exc_info=error)
    return ApiError(ErrorKind.SERVER_ERROR)
