"""Errors that any request can meet."""

from kernel.errors.kind import Kind


class GeneralErrors:
    ARGUMENT_INVALID = Kind("general_argument_invalid", 400, "A parameter is not valid.")
    BAD_REQUEST = Kind("general_bad_request", 400, "The request could not be understood.")
    INVALID_EMAIL = Kind("general_invalid_email", 400, "The value is no e-mail address.")
    INVALID_PHONE = Kind("general_invalid_phone", 400, "The value is no phone number.")
    QUERY_INVALID = Kind("general_query_invalid", 400, "A query is not valid.")
    CURSOR_NOT_FOUND = Kind(
        "general_cursor_not_found", 400, "The item the cursor points to is gone."
    )
    CURSOR_EXPIRED = Kind(
        "general_cursor_expired",
        410,
        "Not all changes since this cursor can be told. Read the list anew, and go on with a new"
        " cursor.",
    )
    ACCESS_FORBIDDEN = Kind(
        "general_access_forbidden",
        401,
        "No Appwrite project was specified. Please specify your project ID when initializing your"
        " Appwrite SDK.",
    )
    UNAUTHORIZED_SCOPE = Kind(
        "general_unauthorized_scope", 401, "The caller lacks the needed scope."
    )
    UNKNOWN_ORIGIN = Kind(
        "general_unknown_origin",
        403,
        "Invalid Origin. Register your new client as a new platform on your project console"
        " dashboard.",
    )
    SERVICE_DISABLED = Kind("general_service_disabled", 403, "This service is switched off.")
    API_DISABLED = Kind("general_api_disabled", 403, "This interface is switched off.")
    ROUTE_NOT_FOUND = Kind("general_route_not_found", 404, "There is no such route.")
    PAYLOAD_TOO_LARGE = Kind("general_payload_too_large", 413, "The request body is too large.")
    RATE_LIMIT_EXCEEDED = Kind(
        "general_rate_limit_exceeded",
        429,
        "Rate limit for the current endpoint has been exceeded. Please try again after some time.",
    )
    SERVER_ERROR = Kind("general_server_error", 500, "Server Error")
    SERVICE_UNAVAILABLE = Kind(
        "general_service_unavailable",
        503,
        "The service is busy or restarting. Please try again shortly.",
    )
