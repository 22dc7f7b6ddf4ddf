"""Errors of projects, their keys, platforms, policies and mails."""

from kernel.errors.kind import Kind


class ProjectErrors:
    PROJECT_NOT_FOUND = Kind("project_not_found", 404, "There is no project with this id.")
    PROJECT_ALREADY_EXISTS = Kind("project_already_exists", 409, "The project id is taken.")
    PROJECT_RESERVED = Kind("project_reserved_project", 400, "This project id is reserved.")
    PROJECT_ID_MISSING = Kind("project_id_missing", 403, "The key belongs to another project.")
    PROJECT_KEY_EXPIRED = Kind("project_key_expired", 401, "The API key has expired.")
    KEY_NOT_FOUND = Kind("key_not_found", 404, "There is no key with this id.")
    KEY_ALREADY_EXISTS = Kind("key_already_exists", 409, "The key id is taken.")
    KEY_CREATION_DENIED = Kind(
        "key_creation_denied",
        403,
        "An API key cannot give scopes that it does not hold.",
    )
    MOCK_NUMBER_NOT_FOUND = Kind(
        "mock_number_not_found", 404, "There is no mock phone of this number."
    )
    MOCK_NUMBER_ALREADY_EXISTS = Kind(
        "mock_number_already_exists",
        409,
        "There is a mock phone of this number already.",
    )
    MOCK_NUMBER_LIMIT_EXCEEDED = Kind(
        "mock_number_limit_exceeded",
        400,
        "The project has as many mock phones as it may.",
    )
    PLATFORM_NOT_FOUND = Kind("platform_not_found", 404, "There is no platform with this id.")
    PLATFORM_ALREADY_EXISTS = Kind("platform_already_exists", 409, "The platform id is taken.")
    PLATFORM_METHOD_UNSUPPORTED = Kind(
        "platform_method_unsupported",
        400,
        "The platform is of another type than this method is for.",
    )

    PROJECT_PROVIDER_DISABLED = Kind(
        "project_provider_disabled",
        412,
        "This OAuth2 provider is not set up for the project.",
    )
    PROJECT_PROVIDER_UNSUPPORTED = Kind(
        "project_provider_unsupported",
        400,
        "This OAuth2 provider is not offered here.",
    )
    SMTP_CONFIG_INVALID = Kind(
        "project_smtp_config_invalid",
        400,
        "The settings of the mail server are not valid.",
    )
    TEMPLATE_DEFAULT_DELETION = Kind(
        "project_template_default_deletion",
        401,
        "The built-in template cannot be deleted.",
    )
    SMTP_DISABLED = Kind("general_smtp_disabled", 503, "No mail server is configured.")
