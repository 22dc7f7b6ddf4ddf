"""The scope catalogue: what a key may carry, and what each role holds."""

GUEST_SCOPES = frozenset(
    "global public home console graphql sessions.write documents.read documents.write rows.read"
    " rows.write embeddings.write files.read files.write locale.read avatars.read"
    " executions.write".split()
)
USER_SCOPES = frozenset(
    "global public home console graphql sessions.write account teams.read teams.write"
    " presences.read presences.write documents.read documents.write rows.read rows.write"
    " embeddings.write files.read files.write projects.read locale.read avatars.read"
    " executions.read executions.write targets.read targets.write subscribers.write"
    " subscribers.read assistant.read rules.read".split()
)
#: What is left to a user whose project lets them only read until they are verified.
UNVERIFIED_USER_SCOPES = frozenset(
    scope for scope in USER_SCOPES if not scope.endswith(".write")
) | frozenset({"sessions.write"})
#: What users hold besides who may act as others: they have to find them.
IMPERSONATOR_SCOPES = frozenset({"users.read"})
KEY_BASE_SCOPES = frozenset({"global", "health.read", "graphql"})
PROJECT_KEY_SCOPES = tuple(
    "project.read project.write keys.read keys.write platforms.read platforms.write mocks.read"
    " mocks.write policies.read policies.write project.policies.read project.policies.write"
    " project.oauth2.read project.oauth2.write templates.read templates.write stages.read"
    " stages.write users.read users.write sessions.read sessions.write teams.read teams.write"
    " databases.read databases.write tables.read tables.write columns.read columns.write"
    " indexes.read indexes.write rows.read rows.write embeddings.write collections.read"
    " collections.write attributes.read attributes.write documents.read documents.write"
    " buckets.read buckets.write files.read files.write tokens.read tokens.write functions.read"
    " functions.write executions.read executions.write execution.read execution.write sites.read"
    " sites.write log.read log.write providers.read providers.write topics.read topics.write"
    " subscribers.read subscribers.write targets.read targets.write messages.read"
    " messages.write rules.read rules.write webhooks.read webhooks.write locale.read"
    " avatars.read health.read assistant.read migrations.read migrations.write schedules.read"
    " schedules.write vcs.read vcs.write insights.read insights.write reports.read"
    " reports.write presences.read presences.write".split()
)
CONSOLE_MEMBER_SCOPES = frozenset(PROJECT_KEY_SCOPES) | frozenset(
    "global graphql public projects.read projects.write devKeys.read devKeys.write".split()
)
#: What a console member holds whose role lets them look only.
CONSOLE_VIEWER_SCOPES = frozenset(
    scope for scope in CONSOLE_MEMBER_SCOPES if scope.endswith(".read")
) | frozenset({"global", "public"})
#: What a signed-in user of the project `console` may ask for; each service checks the ownership.
CONSOLE_USER_SCOPES = USER_SCOPES | frozenset(
    "projects.write keys.read keys.write platforms.read platforms.write devKeys.read"
    " devKeys.write".split()
)
