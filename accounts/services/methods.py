"""Ways to sign up and in, which a project may switch off for its own users."""

from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind

EMAIL_LOGIN = "email-password"
MAGIC_URL = "magic-url"
EMAIL_OTP = "email-otp"
ANONYMOUS = "anonymous"
INVITES = "invites"
JWT = "jwt"
PHONE = "phone"
PASSKEY = "passkey"
_NAMES = {
    EMAIL_LOGIN: "Email/Password",
    MAGIC_URL: "Magic URL",
    EMAIL_OTP: "Email (OTP)",
    ANONYMOUS: "Anonymous",
    INVITES: "Invites",
    JWT: "JWT",
    PHONE: "Phone",
    PASSKEY: "Passkey",
}


def check_method(caller: Caller, method: str) -> None:
    """Check that users of the caller's project may sign up or in this way.

    Raises: USER_AUTH_METHOD_UNSUPPORTED
    """
    if not caller.is_privileged and method in caller.project.disabled_auth_methods:
        message = f"{_NAMES[method]} authentication is disabled for this project"
        raise ApiError(ErrorKind.USER_AUTH_METHOD_UNSUPPORTED, message)
