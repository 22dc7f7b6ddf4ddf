"""Every error a client can meet, and the one exception that services raise on purpose."""

from enum import Enum
from typing import Any


class ErrorKind(Enum):
    """Public error type, HTTP status and default message (reference: errors.json)."""

    def __init__(self, type_: str, status: int, message: str) -> None:
        self.type = type_
        self.status = status
        self.message = message

    ARGUMENT_INVALID = ("general_argument_invalid", 400, "A parameter is not valid.")
    BAD_REQUEST = ("general_bad_request", 400, "The request could not be understood.")
    INVALID_EMAIL = ("general_invalid_email", 400, "The value is no e-mail address.")
    INVALID_PHONE = ("general_invalid_phone", 400, "The value is no phone number.")
    QUERY_INVALID = ("general_query_invalid", 400, "A query is not valid.")
    CURSOR_NOT_FOUND = ("general_cursor_not_found", 400, "The item the cursor points to is gone.")
    CURSOR_EXPIRED = (
        "general_cursor_expired",
        410,
        "Not all changes since this cursor can be told. Read the list anew, and go on with a new"
        " cursor.",
    )
    ACCESS_FORBIDDEN = (
        "general_access_forbidden",
        401,
        "No Appwrite project was specified. Please specify your project ID when initializing your"
        " Appwrite SDK.",
    )
    UNAUTHORIZED_SCOPE = ("general_unauthorized_scope", 401, "The caller lacks the needed scope.")
    UNKNOWN_ORIGIN = (
        "general_unknown_origin",
        403,
        "Invalid Origin. Register your new client as a new platform on your project console"
        " dashboard.",
    )
    SERVICE_DISABLED = ("general_service_disabled", 403, "This service is switched off.")
    API_DISABLED = ("general_api_disabled", 403, "This interface is switched off.")
    ROUTE_NOT_FOUND = ("general_route_not_found", 404, "There is no such route.")
    PAYLOAD_TOO_LARGE = ("general_payload_too_large", 413, "The request body is too large.")
    RATE_LIMIT_EXCEEDED = (
        "general_rate_limit_exceeded",
        429,
        "Rate limit for the current endpoint has been exceeded. Please try again after some time.",
    )
    SERVER_ERROR = ("general_server_error", 500, "Server Error")
    SERVICE_UNAVAILABLE = (
        "general_service_unavailable",
        503,
        "The service is busy or restarting. Please try again shortly.",
    )

    PROJECT_NOT_FOUND = ("project_not_found", 404, "There is no project with this id.")
    PROJECT_ALREADY_EXISTS = ("project_already_exists", 409, "The project id is taken.")
    PROJECT_RESERVED = ("project_reserved_project", 400, "This project id is reserved.")
    PROJECT_ID_MISSING = ("project_id_missing", 403, "The key belongs to another project.")
    PROJECT_KEY_EXPIRED = ("project_key_expired", 401, "The API key has expired.")
    KEY_NOT_FOUND = ("key_not_found", 404, "There is no key with this id.")
    KEY_ALREADY_EXISTS = ("key_already_exists", 409, "The key id is taken.")
    KEY_CREATION_DENIED = (
        "key_creation_denied",
        403,
        "An API key cannot give scopes that it does not hold.",
    )
    MOCK_NUMBER_NOT_FOUND = ("mock_number_not_found", 404, "There is no mock phone of this number.")
    MOCK_NUMBER_ALREADY_EXISTS = (
        "mock_number_already_exists",
        409,
        "There is a mock phone of this number already.",
    )
    MOCK_NUMBER_LIMIT_EXCEEDED = (
        "mock_number_limit_exceeded",
        400,
        "The project has as many mock phones as it may.",
    )
    PLATFORM_NOT_FOUND = ("platform_not_found", 404, "There is no platform with this id.")
    PLATFORM_ALREADY_EXISTS = ("platform_already_exists", 409, "The platform id is taken.")
    PLATFORM_METHOD_UNSUPPORTED = (
        "platform_method_unsupported",
        400,
        "The platform is of another type than this method is for.",
    )

    PROJECT_PROVIDER_DISABLED = (
        "project_provider_disabled",
        412,
        "This OAuth2 provider is not set up for the project.",
    )
    PROJECT_PROVIDER_UNSUPPORTED = (
        "project_provider_unsupported",
        400,
        "This OAuth2 provider is not offered here.",
    )

    USER_NOT_FOUND = ("user_not_found", 404, "There is no user with this id.")
    USER_ALREADY_EXISTS = (
        "user_already_exists",
        409,
        "A user with the same id, email, or phone already exists in this project.",
    )
    USER_BLOCKED = ("user_blocked", 403, "The current user has been blocked.")
    USER_UNAUTHORIZED = (
        "user_unauthorized",
        401,
        "The current user is not authorized to perform the requested action.",
    )
    USER_EMAIL_ALREADY_EXISTS = (
        "user_email_already_exists",
        409,
        "A user with the same email already exists in this project.",
    )
    USER_PHONE_ALREADY_EXISTS = (
        "user_phone_already_exists",
        409,
        "A user with the same phone number already exists in this project.",
    )
    USER_INVALID_TOKEN = ("user_invalid_token", 401, "The token is not valid, or was used.")
    USER_ANONYMOUS_CONSOLE_PROHIBITED = (
        "user_anonymous_console_prohibited",
        401,
        "Anonymous users cannot be created for the console project.",
    )
    USER_INVALID_CREDENTIALS = (
        "user_invalid_credentials",
        401,
        "Invalid credentials. Please check the email and password.",
    )
    USER_EMAIL_NOT_VERIFIED = (
        "user_email_not_verified",
        400,
        "The email address must be verified before signing in.",
    )
    USER_EMAIL_DISPOSABLE = (
        "user_email_disposable",
        400,
        "Throw-away email addresses are not taken here. Please use a lasting one.",
    )
    USER_EMAIL_FREE = (
        "user_email_free",
        400,
        "Email addresses of free providers are not taken here. Please use one of your own domain.",
    )
    USER_EMAIL_NOT_CANONICAL = (
        "user_email_not_canonical",
        400,
        "The email address is another name of one. Please leave out tags, suffixes and dots.",
    )
    USER_EMAIL_NOT_CORPORATE = (
        "user_email_not_corporate",
        400,
        "Only email addresses of companies are taken here. Please use the one of your work.",
    )
    USER_PASSWORD_RESET_REQUIRED = (
        "user_password_reset_required",
        412,
        "The password is too old. Please set a new one by a recovery.",
    )
    USER_EMAIL_NOT_FOUND = ("user_email_not_found", 400, "The user has no email address.")
    USER_EMAIL_ALREADY_VERIFIED = (
        "user_email_already_verified",
        409,
        "The email address is verified already.",
    )
    USER_TARGET_NOT_FOUND = ("user_target_not_found", 404, "The user has no target with this id.")
    USER_TARGET_ALREADY_EXISTS = (
        "user_target_already_exists",
        409,
        "There is a target with this id or identifier already.",
    )
    USER_PHONE_NOT_FOUND = ("user_phone_not_found", 400, "The user has no phone number.")
    USER_PHONE_NOT_VERIFIED = (
        "user_phone_not_verified",
        400,
        "The phone number must be verified before signing in.",
    )
    USER_PHONE_ALREADY_VERIFIED = (
        "user_phone_already_verified",
        409,
        "The phone number is verified already.",
    )
    PASSWORD_RECENTLY_USED = (
        "password_recently_used",
        400,
        "The password was used before. Please choose one that was not.",
    )
    PASSWORD_PERSONAL_DATA = (
        "password_personal_data",
        400,
        "The password holds personal data such as a name, an address or a phone number.",
    )
    USER_MORE_FACTORS_REQUIRED = (
        "user_more_factors_required",
        401,
        "More factors are required to complete the sign in process.",
    )
    USER_CHALLENGE_REQUIRED = (
        "user_challenge_required",
        401,
        "A recently passed challenge is required for this.",
    )
    USER_AUTHENTICATOR_NOT_FOUND = (
        "user_authenticator_not_found",
        404,
        "The user has no authenticator of this type.",
    )
    USER_AUTHENTICATOR_ALREADY_VERIFIED = (
        "user_authenticator_already_verified",
        409,
        "The authenticator is verified already.",
    )
    USER_RECOVERY_CODES_NOT_FOUND = (
        "user_recovery_codes_not_found",
        404,
        "The user has no recovery codes.",
    )
    USER_RECOVERY_CODES_ALREADY_EXISTS = (
        "user_recovery_codes_already_exists",
        409,
        "The user has recovery codes already.",
    )
    USER_PASSKEY_NOT_FOUND = ("user_passkey_not_found", 404, "There is no passkey with this id.")
    USER_PASSKEY_ALREADY_EXISTS = (
        "user_passkey_already_exists",
        409,
        "There is a passkey with this id, or of this authenticator, already.",
    )
    USER_PASSKEY_INVALID = ("user_passkey_invalid", 401, "The passkey could not be verified.")
    USER_PASSKEY_LIMIT_EXCEEDED = (
        "user_passkey_limit_exceeded",
        400,
        "The user has as many passkeys as they may.",
    )
    USER_REAUTHENTICATION_REQUIRED = (
        "user_reauthentication_required",
        401,
        "This needs a sign-in, or a second factor shown, within the last ten minutes.",
    )
    USER_DELETION_PROHIBITED = (
        "user_deletion_prohibited",
        400,
        "The user is still a member of teams, which have to be left or deleted first.",
    )
    USER_AUTH_METHOD_UNSUPPORTED = (
        "user_auth_method_unsupported",
        501,
        "This way to sign in is not offered here.",
    )
    USER_SESSION_ALREADY_EXISTS = (
        "user_session_already_exists",
        401,
        "Creation of a session is prohibited when a session is active.",
    )
    USER_SESSION_NOT_FOUND = ("user_session_not_found", 404, "There is no such session.")
    USER_JWT_INVALID = ("user_jwt_invalid", 401, "The JWT is not valid.")
    USER_JWT_AND_COOKIE_SET = (
        "user_jwt_and_cookie_set",
        403,
        "A session and a JWT cannot be used in the same request.",
    )
    USER_API_KEY_AND_SESSION_SET = (
        "user_api_key_and_session_set",
        403,
        "An API key and a session cannot be used in the same request.",
    )
    USER_JWT_CREATION_DENIED = (
        "user_jwt_creation_denied",
        403,
        "A JWT cannot be made while signed in by a JWT.",
    )
    USER_IDENTITY_NOT_FOUND = ("user_identity_not_found", 404, "There is no identity with this id.")
    USER_OAUTH2_BAD_REQUEST = (
        "user_oauth2_bad_request",
        400,
        "This sign-in was not begun here, or is over.",
    )
    USER_OAUTH2_UNAUTHORIZED = (
        "user_oauth2_unauthorized",
        401,
        "The OAuth2 provider did not confirm the sign-in.",
    )
    USER_OAUTH2_PROVIDER_ERROR = (
        "user_oauth2_provider_error",
        424,
        "The OAuth2 provider answered with an error.",
    )
    USER_COUNT_EXCEEDED = ("user_count_exceeded", 400, "The project's user limit is reached.")
    USER_CONSOLE_COUNT_EXCEEDED = (
        "user_console_count_exceeded",
        501,
        "Sign-up to the console is closed.",
    )

    TEAM_NOT_FOUND = ("team_not_found", 404, "There is no team with this id.")
    TEAM_ALREADY_EXISTS = ("team_already_exists", 409, "The team id is taken.")
    MEMBERSHIP_NOT_FOUND = ("membership_not_found", 404, "There is no membership with this id.")
    MEMBERSHIP_ALREADY_CONFIRMED = (
        "membership_already_confirmed",
        409,
        "The user is a member of the team already.",
    )
    MEMBERSHIP_DELETION_PROHIBITED = (
        "membership_deletion_prohibited",
        400,
        "There must be at least one owner in the organization.",
    )
    MEMBERSHIP_DOWNGRADE_PROHIBITED = (
        "membership_downgrade_prohibited",
        400,
        "There must be at least one owner in the organization.",
    )
    TEAM_INVALID_SECRET = ("team_invalid_secret", 401, "The invitation is not valid, or is over.")
    TEAM_MEMBERSHIP_MISMATCH = (
        "team_membership_mismatch",
        404,
        "The membership is one of another team.",
    )
    TEAM_INVITE_MISMATCH = ("team_invite_mismatch", 401, "The invitation is for another user.")
    PHONE_DISABLED = ("general_phone_disabled", 503, "No way to send text messages is configured.")
    SMTP_CONFIG_INVALID = (
        "project_smtp_config_invalid",
        400,
        "The settings of the mail server are not valid.",
    )
    TEMPLATE_DEFAULT_DELETION = (
        "project_template_default_deletion",
        401,
        "The built-in template cannot be deleted.",
    )
    SMTP_DISABLED = ("general_smtp_disabled", 503, "No mail server is configured.")

    DATABASE_NOT_FOUND = ("database_not_found", 404, "There is no database with this id.")
    DATABASE_ALREADY_EXISTS = ("database_already_exists", 409, "The database id is taken.")
    DATABASE_TIMEOUT = ("database_timeout", 408, "The query took too long; add an index.")
    DATABASE_QUERY_ORDER_NULL = (
        "database_query_order_null",
        400,
        "The item the cursor points to has no value in the ordered attribute.",
    )
    COLLECTION_NOT_FOUND = ("collection_not_found", 404, "There is no collection with this id.")
    COLLECTION_ALREADY_EXISTS = ("collection_already_exists", 409, "The collection id is taken.")
    TABLE_NOT_FOUND = ("table_not_found", 404, "There is no table with this id.")
    TABLE_ALREADY_EXISTS = ("table_already_exists", 409, "The table id is taken.")

    DOCUMENT_NOT_FOUND = ("document_not_found", 404, "There is no document with this id.")
    DOCUMENT_ALREADY_EXISTS = ("document_already_exists", 409, "The document id is taken.")
    DOCUMENT_UNIQUE_VIOLATION = (
        "document_unique_constraint_violation",
        409,
        "A document with the same value of a unique index exists.",
    )
    DOCUMENT_INVALID_STRUCTURE = (
        "document_invalid_structure",
        400,
        "The document does not fit its collection.",
    )
    DOCUMENT_MISSING_DATA = ("document_missing_data", 400, "The document's data is missing.")
    DOCUMENT_MISSING_PAYLOAD = (
        "document_missing_payload",
        400,
        "Give data, permissions, or both.",
    )
    DOCUMENT_UPDATE_CONFLICT = (
        "document_update_conflict",
        409,
        "The document changed since the given time.",
    )
    ROW_NOT_FOUND = ("row_not_found", 404, "There is no row with this id.")
    ROW_ALREADY_EXISTS = ("row_already_exists", 409, "The row id is taken.")
    ROW_UNIQUE_VIOLATION = (
        "row_unique_constraint_violation",
        409,
        "A row with the same value of a unique index exists.",
    )
    ROW_INVALID_STRUCTURE = ("row_invalid_structure", 400, "The row does not fit its table.")
    ROW_MISSING_DATA = ("row_missing_data", 400, "The row's data is missing.")
    ROW_MISSING_PAYLOAD = ("row_missing_payload", 400, "Give data, permissions, or both.")
    ROW_UPDATE_CONFLICT = ("row_update_conflict", 409, "The row changed since the given time.")

    DOCUMENT_DELETE_RESTRICTED = (
        "document_delete_restricted",
        403,
        "The document cannot be deleted because others are related to it.",
    )
    ROW_DELETE_RESTRICTED = (
        "row_delete_restricted",
        403,
        "The row cannot be deleted because others are related to it.",
    )
    RELATIONSHIP_VALUE_INVALID = (
        "relationship_value_invalid",
        400,
        "The value of a relationship is not valid.",
    )

    ATTRIBUTE_NOT_FOUND = ("attribute_not_found", 404, "There is no attribute with this key.")
    ATTRIBUTE_UNKNOWN = ("attribute_unknown", 400, "The index names an unknown attribute.")
    ATTRIBUTE_NOT_AVAILABLE = ("attribute_not_available", 400, "The attribute is not ready yet.")
    ATTRIBUTE_DEFAULT_UNSUPPORTED = (
        "attribute_default_unsupported",
        400,
        "A required or array attribute cannot have a default.",
    )
    ATTRIBUTE_ALREADY_EXISTS = ("attribute_already_exists", 409, "The attribute key is taken.")
    ATTRIBUTE_LIMIT_EXCEEDED = ("attribute_limit_exceeded", 400, "Too many attributes.")
    ATTRIBUTE_TYPE_INVALID = (
        "attribute_type_invalid",
        400,
        "The attribute is of another type.",
    )
    ATTRIBUTE_INVALID_RESIZE = (
        "attribute_invalid_resize",
        400,
        "A stored value is longer than the new size.",
    )
    ATTRIBUTE_VALUE_INVALID = ("attribute_value_invalid", 400, "The value is not valid.")
    COLUMN_NOT_FOUND = ("column_not_found", 404, "There is no column with this key.")
    COLUMN_UNKNOWN = ("column_unknown", 400, "The index names an unknown column.")
    COLUMN_NOT_AVAILABLE = ("column_not_available", 400, "The column is not ready yet.")
    COLUMN_DEFAULT_UNSUPPORTED = (
        "column_default_unsupported",
        400,
        "A required or array column cannot have a default.",
    )
    COLUMN_ALREADY_EXISTS = ("column_already_exists", 409, "The column key is taken.")
    COLUMN_LIMIT_EXCEEDED = ("column_limit_exceeded", 400, "Too many columns.")
    COLUMN_TYPE_INVALID = ("column_type_invalid", 400, "The column is of another type.")
    COLUMN_INVALID_RESIZE = (
        "column_invalid_resize",
        400,
        "A stored value is longer than the new size.",
    )
    COLUMN_VALUE_INVALID = ("column_value_invalid", 400, "The value is not valid.")

    INDEX_NOT_FOUND = ("index_not_found", 404, "There is no index with this key.")
    INDEX_ALREADY_EXISTS = ("index_already_exists", 409, "The index key is taken.")
    INDEX_LIMIT_EXCEEDED = ("index_limit_exceeded", 400, "Too many indexes.")
    INDEX_INVALID = ("index_invalid", 400, "The index is not valid.")
    COLUMN_INDEX_NOT_FOUND = ("column_index_not_found", 404, "There is no index with this key.")
    COLUMN_INDEX_ALREADY_EXISTS = ("column_index_already_exists", 409, "The index key is taken.")
    COLUMN_INDEX_LIMIT_EXCEEDED = ("column_index_limit_exceeded", 400, "Too many indexes.")
    COLUMN_INDEX_INVALID = ("column_index_invalid", 400, "The index is not valid.")

    TRANSACTION_NOT_FOUND = ("transaction_not_found", 404, "There is no transaction with this id.")
    TRANSACTION_NOT_READY = (
        "transaction_not_ready",
        400,
        "The transaction is not pending: it was committed, or it failed.",
    )
    TRANSACTION_EXPIRED = ("transaction_expired", 410, "The transaction has expired.")
    TRANSACTION_CONFLICT = (
        "transaction_conflict",
        409,
        "Something the transaction touches was changed outside of it.",
    )
    TRANSACTION_LIMIT_EXCEEDED = (
        "transaction_limit_exceeded",
        400,
        "The transaction holds too much.",
    )

    REALTIME_MESSAGE_INVALID = (
        "realtime_message_format_invalid",
        1003,
        "The message format is not valid.",
    )
    REALTIME_POLICY_VIOLATION = (
        "realtime_policy_violation",
        1008,
        "The connection breaks a rule of this server.",
    )
    REALTIME_TOO_MANY_MESSAGES = ("realtime_too_many_messages", 1013, "Too many messages.")


class ApiError(Exception):
    """A refusal a client is told about: its kind, a message, and headers for the answer."""

    def __init__(
        self, kind: ErrorKind, message: str = "", *, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message or kind.message)
        self.kind = kind
        self.message = message or kind.message
        self.headers = headers or {}

    def body(self, version: str) -> dict[str, Any]:
        """Return the error envelope `{message, code, type, version}`."""
        return {
            "message": self.message,
            "code": self.kind.status,
            "type": self.kind.type,
            "version": version,
        }


def invalid(name: str, reason: str) -> ApiError:
    """Return the error for a parameter that failed its check."""
    return ApiError(ErrorKind.ARGUMENT_INVALID, f"Invalid `{name}` param: {reason}")
