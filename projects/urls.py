"""Paths of projects, their keys and platforms, and of the installation's health."""

from django.urls import path

from projects.views import (
    console,
    health,
    keys,
    mock_phones,
    oauth,
    platforms,
    policies,
    projects,
    sign_up_policies,
)
from projects.views.addressing import IN_PATH

#: Every process answers these for itself.
HEALTH = [
    path("ping", health.PingView.as_view()),
    path("health", health.HealthView.as_view()),
    path("health/cache", health.HealthCacheView.as_view()),
    path("health/db", health.HealthDatabaseView.as_view()),
    path("health/geo", health.HealthGeoView.as_view()),
    path("health/pubsub", health.HealthPubSubView.as_view()),
    path("health/time", health.HealthTimeView.as_view()),
    path("health/version", health.HealthVersionView.as_view()),
]
urlpatterns = [
    path("console/variables", console.VariablesView.as_view()),
    path("console/scopes/project", console.ProjectScopesView.as_view()),
    path("projects", projects.ProjectsView.as_view()),
    path("projects/<str:projectId>", projects.NamedProjectView.as_view(dialect=IN_PATH)),
    path("projects/<str:projectId>/team", projects.ProjectTeamView.as_view(dialect=IN_PATH)),
    path("projects/<str:projectId>/keys", keys.KeysView.as_view(dialect=IN_PATH)),
    path("projects/<str:projectId>/keys/<str:keyId>", keys.KeyView.as_view(dialect=IN_PATH)),
    path(
        "projects/<str:projectId>/platforms",
        platforms.OlderPlatformsView.as_view(dialect=IN_PATH),
    ),
    path(
        "projects/<str:projectId>/platforms/<str:platformId>",
        platforms.OlderPlatformView.as_view(dialect=IN_PATH),
    ),
    path(
        "projects/<str:projectId>/auth/mock-numbers",
        mock_phones.MockNumbersView.as_view(dialect=IN_PATH),
    ),
    path("project/mock-phones", mock_phones.MockPhonesView.as_view()),
    path("project/mock-phones/<str:number>", mock_phones.MockPhoneView.as_view()),
    path("project", projects.ProjectView.as_view()),
    path("project/services/<str:serviceId>", projects.ProjectServiceView.as_view()),
    path("project/protocols/<str:protocolId>", projects.ProjectProtocolView.as_view()),
    path("project/auth-methods/<str:methodId>", policies.AuthMethodView.as_view()),
    path("project/smtp", projects.SmtpView.as_view()),
    path("project/policies", policies.PoliciesView.as_view()),
    path("project/policies/password-dictionary", policies.PasswordDictionaryPolicyView.as_view()),
    path("project/policies/password-history", policies.PasswordHistoryPolicyView.as_view()),
    path(
        "project/policies/password-personal-data", policies.PasswordPersonalDataPolicyView.as_view()
    ),
    path("project/policies/session-alert", policies.SessionAlertPolicyView.as_view()),
    path("project/policies/session-duration", policies.SessionDurationPolicyView.as_view()),
    path("project/policies/session-invalidation", policies.SessionInvalidationPolicyView.as_view()),
    path("project/policies/session-limit", policies.SessionLimitPolicyView.as_view()),
    path("project/policies/user-limit", policies.UserLimitPolicyView.as_view()),
    path("project/policies/membership-privacy", policies.MembershipPrivacyPolicyView.as_view()),
    path("project/policies/password-strength", policies.PasswordStrengthPolicyView.as_view()),
    path("project/policies/mfa-factors", policies.MfaFactorsPolicyView.as_view()),
    path("project/policies/passkey", policies.PasskeyPolicyView.as_view()),
    path("project/policies/password-pwned", sign_up_policies.PasswordPwnedPolicyView.as_view()),
    path(
        "project/policies/password-rotation", sign_up_policies.PasswordRotationPolicyView.as_view()
    ),
    path(
        "project/policies/deny-aliased-email", sign_up_policies.DenyAliasedEmailPolicyView.as_view()
    ),
    path(
        "project/policies/deny-corporate-email",
        sign_up_policies.DenyCorporateEmailPolicyView.as_view(),
    ),
    path(
        "project/policies/deny-disposable-email",
        sign_up_policies.DenyDisposableEmailPolicyView.as_view(),
    ),
    path("project/policies/deny-free-email", sign_up_policies.DenyFreeEmailPolicyView.as_view()),
    path("project/policies/<str:policyId>", policies.PolicyView.as_view()),
    path("project/keys", keys.KeysView.as_view()),
    path("project/keys/<str:keyId>", keys.KeyView.as_view()),
    path("project/platforms", platforms.PlatformsView.as_view()),
    path("project/platforms/web", platforms.WebPlatformsView.as_view()),
    path("project/platforms/apple", platforms.ApplePlatformsView.as_view()),
    path("project/platforms/android", platforms.AndroidPlatformsView.as_view()),
    path("project/platforms/linux", platforms.LinuxPlatformsView.as_view()),
    path("project/platforms/windows", platforms.WindowsPlatformsView.as_view()),
    path("project/platforms/web/<str:platformId>", platforms.WebPlatformView.as_view()),
    path("project/platforms/apple/<str:platformId>", platforms.ApplePlatformView.as_view()),
    path("project/platforms/android/<str:platformId>", platforms.AndroidPlatformView.as_view()),
    path("project/platforms/linux/<str:platformId>", platforms.LinuxPlatformView.as_view()),
    path("project/platforms/windows/<str:platformId>", platforms.WindowsPlatformView.as_view()),
    path("project/platforms/<str:platformId>", platforms.PlatformView.as_view()),
    path("project/oauth2", oauth.OAuthProvidersView.as_view()),
    *(path(f"project/oauth2/{name}", view.as_view()) for name, view in oauth.NAMED_VIEWS.items()),
    path("project/oauth2/<str:providerId>", oauth.OAuthProviderView.as_view()),
]
