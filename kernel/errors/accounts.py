"""Errors of users, their sessions and factors, and of teams."""

from kernel.errors.kind import Kind


class AccountErrors:
    USER_NOT_FOUND = Kind("user_not_found", 404, "There is no user with this id.")
    USER_ALREADY_EXISTS = Kind(
        "user_already_exists",
        409,
        "A user with the same id, email, or phone already exists in this project.",
    )
    USER_BLOCKED = Kind("user_blocked", 403, "The current user has been blocked.")
    USER_UNAUTHORIZED = Kind(
        "user_unauthorized",
        401,
        "The current user is not authorized to perform the requested action.",
    )
    USER_EMAIL_ALREADY_EXISTS = Kind(
        "user_email_already_exists",
        409,
        "A user with the same email already exists in this project.",
    )
    USER_PHONE_ALREADY_EXISTS = Kind(
        "user_phone_already_exists",
        409,
        "A user with the same phone number already exists in this project.",
    )
    USER_INVALID_TOKEN = Kind("user_invalid_token", 401, "The token is not valid, or was used.")
    USER_ANONYMOUS_CONSOLE_PROHIBITED = Kind(
        "user_anonymous_console_prohibited",
        401,
        "Anonymous users cannot be created for the console project.",
    )
    USER_INVALID_CREDENTIALS = Kind(
        "user_invalid_credentials",
        401,
        "Invalid credentials. Please check the email and password.",
    )
    USER_EMAIL_NOT_VERIFIED = Kind(
        "user_email_not_verified",
        400,
        "The email address must be verified before signing in.",
    )
    USER_EMAIL_DISPOSABLE = Kind(
        "user_email_disposable",
        400,
        "Throw-away email addresses are not taken here. Please use a lasting one.",
    )
    USER_EMAIL_FREE = Kind(
        "user_email_free",
        400,
        "Email addresses of free providers are not taken here. Please use one of your own domain.",
    )
    USER_EMAIL_NOT_CANONICAL = Kind(
        "user_email_not_canonical",
        400,
        "The email address is another name of one. Please leave out tags, suffixes and dots.",
    )
    USER_EMAIL_NOT_CORPORATE = Kind(
        "user_email_not_corporate",
        400,
        "Only email addresses of companies are taken here. Please use the one of your work.",
    )
    USER_PASSWORD_RESET_REQUIRED = Kind(
        "user_password_reset_required",
        412,
        "The password is too old. Please set a new one by a recovery.",
    )
    USER_EMAIL_NOT_FOUND = Kind("user_email_not_found", 400, "The user has no email address.")
    USER_EMAIL_ALREADY_VERIFIED = Kind(
        "user_email_already_verified",
        409,
        "The email address is verified already.",
    )
    USER_TARGET_NOT_FOUND = Kind(
        "user_target_not_found", 404, "The user has no target with this id."
    )
    USER_TARGET_ALREADY_EXISTS = Kind(
        "user_target_already_exists",
        409,
        "There is a target with this id or identifier already.",
    )
    USER_PHONE_NOT_FOUND = Kind("user_phone_not_found", 400, "The user has no phone number.")
    USER_PHONE_NOT_VERIFIED = Kind(
        "user_phone_not_verified",
        400,
        "The phone number must be verified before signing in.",
    )
    USER_PHONE_ALREADY_VERIFIED = Kind(
        "user_phone_already_verified",
        409,
        "The phone number is verified already.",
    )
    PASSWORD_RECENTLY_USED = Kind(
        "password_recently_used",
        400,
        "The password was used before. Please choose one that was not.",
    )
    PASSWORD_PERSONAL_DATA = Kind(
        "password_personal_data",
        400,
        "The password holds personal data such as a name, an address or a phone number.",
    )
    USER_MORE_FACTORS_REQUIRED = Kind(
        "user_more_factors_required",
        401,
        "More factors are required to complete the sign in process.",
    )
    USER_CHALLENGE_REQUIRED = Kind(
        "user_challenge_required",
        401,
        "A recently passed challenge is required for this.",
    )
    USER_AUTHENTICATOR_NOT_FOUND = Kind(
        "user_authenticator_not_found",
        404,
        "The user has no authenticator of this type.",
    )
    USER_AUTHENTICATOR_ALREADY_VERIFIED = Kind(
        "user_authenticator_already_verified",
        409,
        "The authenticator is verified already.",
    )
    USER_RECOVERY_CODES_NOT_FOUND = Kind(
        "user_recovery_codes_not_found",
        404,
        "The user has no recovery codes.",
    )
    USER_RECOVERY_CODES_ALREADY_EXISTS = Kind(
        "user_recovery_codes_already_exists",
        409,
        "The user has recovery codes already.",
    )
    USER_PASSKEY_NOT_FOUND = Kind(
        "user_passkey_not_found", 404, "There is no passkey with this id."
    )
    USER_PASSKEY_ALREADY_EXISTS = Kind(
        "user_passkey_already_exists",
        409,
        "There is a passkey with this id, or of this authenticator, already.",
    )
    USER_PASSKEY_INVALID = Kind("user_passkey_invalid", 401, "The passkey could not be verified.")
    USER_PASSKEY_LIMIT_EXCEEDED = Kind(
        "user_passkey_limit_exceeded",
        400,
        "The user has as many passkeys as they may.",
    )
    USER_REAUTHENTICATION_REQUIRED = Kind(
        "user_reauthentication_required",
        401,
        "This needs a sign-in, or a second factor shown, within the last ten minutes.",
    )
    USER_DELETION_PROHIBITED = Kind(
        "user_deletion_prohibited",
        400,
        "The user is still a member of teams, which have to be left or deleted first.",
    )
    USER_AUTH_METHOD_UNSUPPORTED = Kind(
        "user_auth_method_unsupported",
        501,
        "This way to sign in is not offered here.",
    )
    USER_SESSION_ALREADY_EXISTS = Kind(
        "user_session_already_exists",
        401,
        "Creation of a session is prohibited when a session is active.",
    )
    USER_SESSION_NOT_FOUND = Kind("user_session_not_found", 404, "There is no such session.")
    USER_JWT_INVALID = Kind("user_jwt_invalid", 401, "The JWT is not valid.")
    USER_JWT_AND_COOKIE_SET = Kind(
        "user_jwt_and_cookie_set",
        403,
        "A session and a JWT cannot be used in the same request.",
    )
    USER_API_KEY_AND_SESSION_SET = Kind(
        "user_api_key_and_session_set",
        403,
        "An API key and a session cannot be used in the same request.",
    )
    USER_JWT_CREATION_DENIED = Kind(
        "user_jwt_creation_denied",
        403,
        "A JWT cannot be made while signed in by a JWT.",
    )
    USER_IDENTITY_NOT_FOUND = Kind(
        "user_identity_not_found", 404, "There is no identity with this id."
    )
    USER_OAUTH2_BAD_REQUEST = Kind(
        "user_oauth2_bad_request",
        400,
        "This sign-in was not begun here, or is over.",
    )
    USER_OAUTH2_UNAUTHORIZED = Kind(
        "user_oauth2_unauthorized",
        401,
        "The OAuth2 provider did not confirm the sign-in.",
    )
    USER_OAUTH2_PROVIDER_ERROR = Kind(
        "user_oauth2_provider_error",
        424,
        "The OAuth2 provider answered with an error.",
    )
    USER_COUNT_EXCEEDED = Kind("user_count_exceeded", 400, "The project's user limit is reached.")
    USER_CONSOLE_COUNT_EXCEEDED = Kind(
        "user_console_count_exceeded",
        501,
        "Sign-up to the console is closed.",
    )

    TEAM_NOT_FOUND = Kind("team_not_found", 404, "There is no team with this id.")
    TEAM_ALREADY_EXISTS = Kind("team_already_exists", 409, "The team id is taken.")
    MEMBERSHIP_NOT_FOUND = Kind("membership_not_found", 404, "There is no membership with this id.")
    MEMBERSHIP_ALREADY_CONFIRMED = Kind(
        "membership_already_confirmed",
        409,
        "The user is a member of the team already.",
    )
    MEMBERSHIP_DELETION_PROHIBITED = Kind(
        "membership_deletion_prohibited",
        400,
        "There must be at least one owner in the organization.",
    )
    MEMBERSHIP_DOWNGRADE_PROHIBITED = Kind(
        "membership_downgrade_prohibited",
        400,
        "There must be at least one owner in the organization.",
    )
    TEAM_INVALID_SECRET = Kind(
        "team_invalid_secret", 401, "The invitation is not valid, or is over."
    )
    TEAM_MEMBERSHIP_MISMATCH = Kind(
        "team_membership_mismatch",
        404,
        "The membership is one of another team.",
    )
    TEAM_INVITE_MISMATCH = Kind("team_invite_mismatch", 401, "The invitation is for another user.")
    PHONE_DISABLED = Kind(
        "general_phone_disabled", 503, "No way to send text messages is configured."
    )
