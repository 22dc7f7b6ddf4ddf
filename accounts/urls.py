"""Paths of accounts."""

from django.urls import path
from django.urls.resolvers import URLPattern

from accounts.views import (
    account,
    factors,
    imports,
    mails,
    oauth,
    passkeys,
    proofs,
    sign_in,
    targets,
    teams,
    users,
)

ACCOUNT = [
    path("account", account.AccountView.as_view()),
    path("account/name", account.AccountNameView.as_view()),
    path("account/email", account.AccountEmailView.as_view()),
    path("account/phone", account.AccountPhoneView.as_view()),
    path("account/password", account.AccountPasswordView.as_view()),
    path("account/status", account.AccountStatusView.as_view()),
    path("account/prefs", account.AccountPrefsView.as_view()),
    path("account/memberships", account.AccountMembershipsView.as_view()),
    path("account/sessions", account.SessionsView.as_view()),
    path("account/sessions/email", account.EmailSessionsView.as_view()),
    path("account/tokens/magic-url", sign_in.MagicUrlTokensView.as_view()),
    path("account/tokens/email", sign_in.EmailTokensView.as_view()),
    path("account/tokens/phone", sign_in.PhoneTokensView.as_view()),
    path("account/verifications/email", proofs.EmailVerificationsView.as_view()),
    path("account/verification", proofs.EmailVerificationsView.as_view(dialect=1)),
    path("account/verifications/email/otp", proofs.EmailVerificationOtpView.as_view()),
    path("account/verifications/phone", proofs.PhoneVerificationsView.as_view()),
    path("account/verification/phone", proofs.PhoneVerificationsView.as_view()),
    path("account/recovery", proofs.RecoveryView.as_view()),
    path("account/recovery/otp", proofs.RecoveryOtpView.as_view()),
    path("account/sessions/magic-url", sign_in.MagicUrlSessionsView.as_view()),
    path("account/sessions/phone", sign_in.PhoneSessionsView.as_view()),
    path("account/sessions/anonymous", sign_in.AnonymousSessionsView.as_view()),
    path("account/sessions/token", sign_in.TokenSessionsView.as_view()),
    path("account/sessions/id-token", oauth.IdTokenSessionsView.as_view()),
    path("account/sessions/oauth2/<str:provider>", oauth.OAuth2SessionView.as_view()),
    path("account/sessions/oauth2/<str:provider>/redirect", oauth.OAuth2RedirectView.as_view()),
    path(
        "account/sessions/oauth2/callback/<str:provider>/<str:projectId>",
        oauth.OAuth2CallbackView.as_view(),
    ),
    path("account/tokens/oauth2/<str:provider>", oauth.OAuth2TokenView.as_view()),
    path("account/identities", oauth.OwnIdentitiesView.as_view()),
    path("account/identities/<str:identityId>", oauth.OwnIdentityView.as_view()),
    path("account/sessions/<str:sessionId>", account.SessionView.as_view()),
    path("account/jwts", account.JwtsView.as_view()),
    path("account/jwt", account.JwtsView.as_view()),
]
PASSKEYS = [
    path("account/passkeys", passkeys.PasskeysView.as_view()),
    path("account/passkeys/<str:passkeyId>", passkeys.PasskeyView.as_view()),
    path(
        "account/passkeys/<str:passkeyId>/verification", passkeys.PasskeyVerificationView.as_view()
    ),
    path("account/tokens/passkey", passkeys.PasskeyTokensView.as_view()),
    path("users/<str:userId>/passkeys", passkeys.UserPasskeysView.as_view()),
    path("users/<str:userId>/passkeys/<str:passkeyId>", passkeys.UserPasskeyView.as_view()),
]
MFA = [
    path("account/mfa", factors.MfaView.as_view()),
    path("account/mfa/factors", factors.MfaFactorsView.as_view()),
    path("account/mfa/authenticators/<str:type>", factors.MfaAuthenticatorView.as_view()),
    path("account/mfa/recovery-codes", factors.MfaRecoveryCodesView.as_view()),
    path("account/mfa/challenges", factors.MfaChallengesView.as_view()),
    path("account/mfa/challenge", factors.MfaChallengesView.as_view()),
    path("users/<str:userId>/mfa", factors.UserMfaView.as_view()),
    path("users/<str:userId>/mfa/factors", factors.UserMfaFactorsView.as_view()),
    path(
        "users/<str:userId>/mfa/challenges/<str:challengeId>",
        factors.UserMfaChallengeView.as_view(),
    ),
    path(
        "users/<str:userId>/mfa/authenticators/<str:type>",
        factors.UserMfaAuthenticatorView.as_view(),
    ),
    path("users/<str:userId>/mfa/recovery-codes", factors.UserMfaRecoveryCodesView.as_view()),
]
USERS = [
    path("users", users.UsersView.as_view()),
    path("users/argon2", imports.Argon2UsersView.as_view()),
    path("users/bcrypt", imports.BcryptUsersView.as_view()),
    path("users/md5", imports.Md5UsersView.as_view()),
    path("users/phpass", imports.PhpassUsersView.as_view()),
    path("users/sha", imports.ShaUsersView.as_view()),
    path("users/scrypt", imports.ScryptUsersView.as_view()),
    path("users/scrypt-modified", imports.ScryptModifiedUsersView.as_view()),
    path("users/identities", oauth.IdentitiesView.as_view()),
    path("users/identities/<str:identityId>", oauth.IdentityView.as_view()),
    path("users/<str:userId>", users.UserView.as_view()),
    path("users/<str:userId>/name", users.UserNameView.as_view()),
    path("users/<str:userId>/email", users.UserEmailView.as_view()),
    path("users/<str:userId>/phone", users.UserPhoneView.as_view()),
    path("users/<str:userId>/password", users.UserPasswordView.as_view()),
    path("users/<str:userId>/labels", users.UserLabelsView.as_view()),
    path("users/<str:userId>/status", users.UserStatusView.as_view()),
    path("users/<str:userId>/impersonator", users.UserImpersonatorView.as_view()),
    path("users/<str:userId>/verification", users.UserVerificationView.as_view()),
    path("users/<str:userId>/verification/phone", users.UserPhoneVerificationView.as_view()),
    path("users/<str:userId>/prefs", users.UserPrefsView.as_view()),
    path("users/<str:userId>/memberships", users.UserMembershipsView.as_view()),
    path("users/<str:userId>/sessions", users.UserSessionsView.as_view()),
    path("users/<str:userId>/sessions/<str:sessionId>", users.UserSessionView.as_view()),
    path("users/<str:userId>/tokens", sign_in.UserTokensView.as_view()),
    path("users/<str:userId>/jwts", users.UserJwtsView.as_view()),
]
TARGETS = [
    path("account/targets/push", targets.PushTargetsView.as_view()),
    path("account/targets/<str:targetId>/push", targets.PushTargetView.as_view()),
    path("users/<str:userId>/targets", targets.TargetsView.as_view()),
    path("users/<str:userId>/targets/<str:targetId>", targets.TargetView.as_view()),
]
MEMBERSHIPS = "teams/<str:teamId>/memberships"
TEAMS = [
    path("teams", teams.TeamsView.as_view()),
    path("teams/<str:teamId>", teams.TeamView.as_view()),
    path("teams/<str:teamId>/prefs", teams.TeamPrefsView.as_view()),
    path(MEMBERSHIPS, teams.MembershipsView.as_view()),
    path(f"{MEMBERSHIPS}/<str:membershipId>", teams.MembershipView.as_view()),
    path(f"{MEMBERSHIPS}/<str:membershipId>/status", teams.MembershipStatusView.as_view()),
]
MAILS = [
    path("project/templates/email", mails.EmailTemplatesView.as_view()),
    path("project/templates/email/<str:templateId>", mails.EmailTemplateView.as_view()),
    path("projects/<str:projectId>/templates/email", mails.OlderEmailTemplatesView.as_view()),
    path("project/smtp/tests", mails.SmtpTestsView.as_view()),
]
urlpatterns: list[URLPattern] = [*ACCOUNT, *PASSKEYS, *MFA, *USERS, *TARGETS, *TEAMS, *MAILS]
