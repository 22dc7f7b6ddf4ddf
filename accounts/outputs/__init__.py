"""Answers about users, sessions and teams."""

from accounts.outputs.factors import (
    MfaChallengeOutput,
    MfaChallengeSecretOutput,
    MfaFactorsOutput,
    MfaRecoveryCodesOutput,
    MfaTypeOutput,
    mfa_challenge_output,
    mfa_challenge_secret_output,
    mfa_factors_output,
)
from accounts.outputs.identities import (
    IdentityList,
    IdentityOutput,
    identity_list_output,
    identity_output,
)
from accounts.outputs.mails import EmailTemplateList, EmailTemplateOutput, email_template_output
from accounts.outputs.sessions import (
    JwtOutput,
    SessionList,
    SessionOutput,
    TokenOutput,
    session_list_output,
    session_output,
    token_output,
)
from accounts.outputs.targets import (
    TargetList,
    TargetOutput,
    target_list_output,
    target_output,
)
from accounts.outputs.teams import (
    MembershipList,
    MembershipOutput,
    TeamList,
    TeamOutput,
    membership_list_output,
    membership_output,
    team_output,
)
from accounts.outputs.users import (
    AccountOutput,
    UserList,
    UserOutput,
    account_output,
    user_list_output,
    user_output,
)

__all__ = [
    "AccountOutput",
    "EmailTemplateList",
    "EmailTemplateOutput",
    "IdentityList",
    "IdentityOutput",
    "JwtOutput",
    "MembershipList",
    "MembershipOutput",
    "MfaChallengeOutput",
    "MfaChallengeSecretOutput",
    "MfaFactorsOutput",
    "MfaRecoveryCodesOutput",
    "MfaTypeOutput",
    "SessionList",
    "SessionOutput",
    "TargetList",
    "TargetOutput",
    "TeamList",
    "TeamOutput",
    "TokenOutput",
    "UserList",
    "UserOutput",
    "account_output",
    "email_template_output",
    "identity_list_output",
    "identity_output",
    "membership_list_output",
    "membership_output",
    "mfa_challenge_output",
    "mfa_challenge_secret_output",
    "mfa_factors_output",
    "session_list_output",
    "session_output",
    "target_list_output",
    "target_output",
    "team_output",
    "token_output",
    "user_list_output",
    "user_output",
]
