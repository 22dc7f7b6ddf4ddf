"""Tables of identity: users, sessions, teams, memberships and the roles behind permissions."""

from accounts.models.factors import Authenticator, Challenge, RecoveryCode
from accounts.models.identities import Identity, OAuthFlow
from accounts.models.mails import EmailTemplate, Mail, TextMessage
from accounts.models.passkeys import Passkey, PasskeyChallenge
from accounts.models.sessions import ConsoleLink, Session, Token
from accounts.models.targets import Target
from accounts.models.teams import Membership, Role, Team
from accounts.models.users import User, login_of

__all__ = [
    "Authenticator",
    "Challenge",
    "ConsoleLink",
    "EmailTemplate",
    "Identity",
    "Mail",
    "Membership",
    "OAuthFlow",
    "Passkey",
    "PasskeyChallenge",
    "RecoveryCode",
    "Role",
    "Session",
    "Target",
    "Team",
    "TextMessage",
    "Token",
    "User",
    "login_of",
]
