"""Shapes of requests about accounts, users and teams."""

import re
from dataclasses import dataclass
from typing import Any

from accounts.hashes import SHA_VERSIONS
from accounts.letters import check_template
from accounts.mfa import Factor
from kernel import addresses
from kernel.fields import (
    boolean,
    custom_id,
    email,
    integer,
    json_object,
    list_of,
    one_of,
    optional,
    password,
    queries,
    required,
    text,
    uid,
)
from kernel.limits import (
    DEFAULT_JWT_SECONDS,
    DEFAULT_TOKEN_LENGTH,
    DEFAULT_TOKEN_SECONDS,
    MAX_HASH_PARAMETER_LENGTH,
    MAX_JWT_SECONDS,
    MAX_LABEL_LENGTH,
    MAX_LABELS,
    MAX_NAME_LENGTH,
    MAX_PASSWORD_LENGTH,
    MAX_SEARCH_LENGTH,
    MAX_SECRET_LENGTH,
    MAX_TEAM_ROLE_LENGTH,
    MAX_TOKEN_LENGTH,
    MAX_TOKEN_SECONDS,
    MAX_URL_LENGTH,
    MIN_PASSWORD_LENGTH,
    MIN_SESSION_SECONDS,
    MIN_TOKEN_LENGTH,
    MIN_TOKEN_SECONDS,
)

AUTHENTICATOR_TYPES = (Factor.TOTP,)
RECENT = "recent"
MAX_SUBJECT_TEMPLATE_LENGTH = 255
MAX_TEMPLATE_LENGTH = 1024 * 1024
MAX_TEST_MAILS = 10
TEMPLATE_KINDS = (
    "verification",
    "magicSession",
    "recovery",
    "invitation",
    "mfaChallenge",
    "sessionAlert",
    "otpSession",
)
OWNER = "owner"

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}\Z")  # E.164
_LOCALE = re.compile(r"(?:[a-z]{2}(?:-[a-z]{2})?)?\Z")
_LABEL = re.compile(rf"[A-Za-z0-9]{{1,{MAX_LABEL_LENGTH}}}\Z")
_TEAM_ROLE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_TEAM_ROLE_LENGTH - 1}}}\Z")


def phone(value: object) -> str:
    if not isinstance(value, str) or not _PHONE.match(value):
        raise ValueError("Phone number must start with a '+' can have a maximum of fifteen digits.")
    return value


def label(value: object) -> str:
    if not isinstance(value, str) or not _LABEL.match(value):
        raise ValueError(
            "Value must be a valid string and at least 1 chars and no longer than"
            f" {MAX_LABEL_LENGTH} chars and only consist of alphanumeric chars"
        )
    return value


def team_role(value: object) -> str:
    if not isinstance(value, str) or not _TEAM_ROLE.match(value):
        raise ValueError(
            f"Value must contain at most {MAX_TEAM_ROLE_LENGTH} chars. Valid chars are a-z, A-Z,"
            " 0-9, period, hyphen, and underscore. Can't start with a special char"
        )
    return value


def link(value: object) -> str:
    """A URL for a mail; whether it leads to the project's own places is known to the services."""
    if isinstance(value, str) and len(value) <= MAX_URL_LENGTH:
        return addresses.url(value)
    raise ValueError("Value must be a valid URL")


def locale(value: object) -> str:
    """A language, or one of a country: `de` or `de-at`; an empty text stands for all."""
    name = value.lower() if isinstance(value, str) else None
    if name is None or not _LOCALE.match(name):
        raise ValueError("Value must be a language code")
    return name


def template(maximum: int) -> Any:
    """A template of a mail, of at most so many characters."""
    check = text(maximum, minimum=1)
    return lambda value: check_template(check(value))


def or_empty(check: Any) -> Any:
    """Let an empty text pass a check: it takes the value away."""

    def checked(value: object) -> Any:
        return "" if value == "" else check(value)

    return checked


team_roles = list_of(team_role)


@dataclass(frozen=True, kw_only=True)
class CreateAccountInput:
    user_id: str = required(custom_id)
    email: str = required(email)
    password: str = required(password)
    name: str = optional(text(MAX_NAME_LENGTH), default="")


@dataclass(frozen=True, kw_only=True)
class EmailSessionInput:
    email: str = required(email)
    password: str = required(password)
    duration: int | None = optional(integer(MIN_SESSION_SECONDS))


@dataclass(frozen=True, kw_only=True)
class SessionInput:
    session_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class TokenSessionInput:
    user_id: str = required(uid)
    secret: str = required(text(MAX_SECRET_LENGTH, minimum=1))


@dataclass(frozen=True, kw_only=True)
class EmailTokenInput:
    user_id: str = required(custom_id)
    email: str = required(email)
    phrase: bool = optional(boolean, default=False)


@dataclass(frozen=True, kw_only=True)
class MagicUrlTokenInput(EmailTokenInput):
    url: str = required(link)


@dataclass(frozen=True, kw_only=True)
class PhoneTokenInput:
    user_id: str = required(custom_id)
    phone: str = required(phone)


@dataclass(frozen=True, kw_only=True)
class VerificationInput:
    url: str = required(link)


@dataclass(frozen=True, kw_only=True)
class ProofInput:
    user_id: str = required(uid)
    secret: str = required(text(MAX_SECRET_LENGTH, minimum=1))


@dataclass(frozen=True, kw_only=True)
class RecoveryInput:
    email: str = required(email)
    url: str = required(link)


@dataclass(frozen=True, kw_only=True)
class VerificationOtpInput:
    phrase: bool = optional(boolean, default=False)


@dataclass(frozen=True, kw_only=True)
class RecoveryOtpInput:
    email: str = required(email)
    phrase: bool = optional(boolean, default=False)


@dataclass(frozen=True, kw_only=True)
class NewPasswordInput(ProofInput):
    password: str = required(password)


@dataclass(frozen=True, kw_only=True)
class JwtInput:
    duration: int = optional(integer(0, MAX_JWT_SECONDS), default=DEFAULT_JWT_SECONDS)


@dataclass(frozen=True, kw_only=True)
class ListSessionsInput:
    total: bool = optional(boolean, default=True)


@dataclass(frozen=True, kw_only=True)
class DeleteSessionsInput:
    current: bool = optional(boolean, default=True)


@dataclass(frozen=True, kw_only=True)
class NameInput:
    name: str = required(text(MAX_NAME_LENGTH))


@dataclass(frozen=True, kw_only=True)
class PrefsInput:
    prefs: dict[str, Any] = required(json_object)


@dataclass(frozen=True, kw_only=True)
class OwnEmailInput:
    email: str = required(email)
    password: str = required(password)


@dataclass(frozen=True, kw_only=True)
class OwnPhoneInput:
    phone: str = required(phone)
    password: str = required(password)


@dataclass(frozen=True, kw_only=True)
class OwnPasswordInput:
    password: str = required(password)
    old_password: str = optional(text(MAX_PASSWORD_LENGTH), default="")


@dataclass(frozen=True, kw_only=True)
class MfaInput:
    mfa: bool = required(boolean)


@dataclass(frozen=True, kw_only=True)
class AuthenticatorInput:
    type: str = required(one_of(AUTHENTICATOR_TYPES))


@dataclass(frozen=True, kw_only=True)
class AuthenticatorProofInput(AuthenticatorInput):
    otp: str = required(text(MAX_SECRET_LENGTH))


@dataclass(frozen=True, kw_only=True)
class ChallengeInput:
    factor: str = required(one_of(tuple(Factor)))


@dataclass(frozen=True, kw_only=True)
class ChallengeProofInput:
    challenge_id: str = required(text(MAX_SECRET_LENGTH))
    otp: str = required(text(MAX_SECRET_LENGTH))


@dataclass(frozen=True, kw_only=True)
class CreateUserInput:
    user_id: str = required(custom_id)
    email: str | None = optional(email)
    phone: str | None = optional(phone)
    password: str = optional(or_empty(password), default="")
    name: str = optional(text(MAX_NAME_LENGTH), default="")


@dataclass(frozen=True, kw_only=True)
class ImportUserInput:
    """A user of another system; `password` is the hash it kept."""

    user_id: str = required(custom_id)
    email: str = required(email)
    password: str = required(text(MAX_PASSWORD_LENGTH, minimum=MIN_PASSWORD_LENGTH))
    name: str = optional(text(MAX_NAME_LENGTH), default="")


@dataclass(frozen=True, kw_only=True)
class ImportShaUserInput(ImportUserInput):
    password_version: str = optional(or_empty(one_of(tuple(SHA_VERSIONS))), default="")


@dataclass(frozen=True, kw_only=True)
class ImportScryptUserInput(ImportUserInput):
    password_salt: str = required(text(MAX_HASH_PARAMETER_LENGTH))
    password_cpu: int = required(integer())
    password_memory: int = required(integer())
    password_parallel: int = required(integer())
    password_length: int = required(integer())


@dataclass(frozen=True, kw_only=True)
class ImportScryptModifiedUserInput(ImportUserInput):
    password_salt: str = required(text(MAX_HASH_PARAMETER_LENGTH))
    password_salt_separator: str = required(text(MAX_HASH_PARAMETER_LENGTH))
    password_signer_key: str = required(text(MAX_HASH_PARAMETER_LENGTH))


@dataclass(frozen=True, kw_only=True)
class UserInput:
    user_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class UserMfaInput(UserInput):
    mfa: bool = required(boolean)


@dataclass(frozen=True, kw_only=True)
class UserAuthenticatorInput(UserInput):
    type: str = required(one_of(AUTHENTICATOR_TYPES))


@dataclass(frozen=True, kw_only=True)
class ListUserSessionsInput(UserInput):
    total: bool = optional(boolean, default=True)


@dataclass(frozen=True, kw_only=True)
class UserLabelsInput(UserInput):
    labels: list[str] = required(list_of(label, maximum=MAX_LABELS))


@dataclass(frozen=True, kw_only=True)
class UserStatusInput(UserInput):
    status: bool = required(boolean)


@dataclass(frozen=True, kw_only=True)
class UserNameInput(UserInput):
    name: str = required(text(MAX_NAME_LENGTH))


@dataclass(frozen=True, kw_only=True)
class UserEmailInput(UserInput):
    email: str = required(or_empty(email))


@dataclass(frozen=True, kw_only=True)
class UserPhoneInput(UserInput):
    number: str = required(or_empty(phone))


@dataclass(frozen=True, kw_only=True)
class UserPasswordInput(UserInput):
    password: str = required(or_empty(password))


@dataclass(frozen=True, kw_only=True)
class UserPrefsInput(UserInput):
    prefs: dict[str, Any] = required(json_object)


@dataclass(frozen=True, kw_only=True)
class UserEmailVerificationInput(UserInput):
    email_verification: bool = required(boolean)


@dataclass(frozen=True, kw_only=True)
class UserPhoneVerificationInput(UserInput):
    phone_verification: bool = required(boolean)


@dataclass(frozen=True, kw_only=True)
class UserSessionInput(UserInput):
    session_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class CreateTokenInput(UserInput):
    length: int = optional(
        integer(MIN_TOKEN_LENGTH, MAX_TOKEN_LENGTH), default=DEFAULT_TOKEN_LENGTH
    )
    expire: int = optional(
        integer(MIN_TOKEN_SECONDS, MAX_TOKEN_SECONDS), default=DEFAULT_TOKEN_SECONDS
    )


@dataclass(frozen=True, kw_only=True)
class UserJwtInput(UserInput):
    session_id: str = optional(uid, default=RECENT)
    duration: int = optional(integer(0, MAX_JWT_SECONDS), default=DEFAULT_JWT_SECONDS)


@dataclass(frozen=True, kw_only=True)
class EmailTemplateInput:
    template_id: str = required(one_of(TEMPLATE_KINDS))
    locale: str = optional(locale, default="")


@dataclass(frozen=True, kw_only=True)
class UpdateEmailTemplateInput(EmailTemplateInput):
    subject: str | None = optional(template(MAX_SUBJECT_TEMPLATE_LENGTH))
    message: str | None = optional(template(MAX_TEMPLATE_LENGTH))
    sender_name: str | None = optional(text(MAX_SUBJECT_TEMPLATE_LENGTH))
    sender_email: str | None = optional(or_empty(email))
    reply_to_name: str | None = optional(text(MAX_SUBJECT_TEMPLATE_LENGTH))
    reply_to_email: str | None = optional(or_empty(email))


@dataclass(frozen=True, kw_only=True)
class DeleteEmailTemplateInput:
    project_id: str = required(uid)
    template_id: str = required(one_of(TEMPLATE_KINDS), name="type")
    locale: str = optional(locale, default="")


@dataclass(frozen=True, kw_only=True)
class SmtpTestInput:
    emails: list[str] = required(list_of(email, maximum=MAX_TEST_MAILS))


@dataclass(frozen=True, kw_only=True)
class PageInput:
    queries: list[str] = optional(queries, default=[])
    total: bool = optional(boolean, default=True)


@dataclass(frozen=True, kw_only=True)
class ListInput:
    queries: list[str] = optional(queries, default=[])
    search: str = optional(text(MAX_SEARCH_LENGTH), default="")
    total: bool = optional(boolean, default=True)


@dataclass(frozen=True, kw_only=True)
class CreateTeamInput:
    team_id: str = required(custom_id)
    name: str = required(text(MAX_NAME_LENGTH))
    roles: list[str] = optional(team_roles, default=[OWNER])


@dataclass(frozen=True, kw_only=True)
class TeamInput:
    team_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class TeamNameInput(TeamInput):
    name: str = required(text(MAX_NAME_LENGTH))


@dataclass(frozen=True, kw_only=True)
class TeamPrefsInput(TeamInput):
    prefs: dict[str, Any] = required(json_object)


@dataclass(frozen=True, kw_only=True)
class CreateMembershipInput(TeamInput):
    roles: list[str] = required(team_roles)
    email: str = optional(or_empty(email), default="")
    user_id: str = optional(or_empty(uid), default="")
    phone: str = optional(or_empty(phone), default="")
    url: str = optional(or_empty(link), default="")
    name: str = optional(text(MAX_NAME_LENGTH), default="")
    membership_id: str = optional(custom_id, default="unique()")


@dataclass(frozen=True, kw_only=True)
class MembershipInput(TeamInput):
    membership_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class MembershipRolesInput(MembershipInput):
    roles: list[str] = required(team_roles)


@dataclass(frozen=True, kw_only=True)
class AcceptInvitationInput(MembershipInput):
    user_id: str = required(uid)
    secret: str = required(text(MAX_SECRET_LENGTH, minimum=1))


@dataclass(frozen=True, kw_only=True)
class ListMembershipsInput(ListInput):
    team_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class ListUserMembershipsInput(ListInput):
    user_id: str = required(uid)
