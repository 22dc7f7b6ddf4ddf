"""Tables of tenancy: projects, their API keys and platforms, and the signing key ring."""

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from kernel.caller import CONSOLE_PROJECT
from kernel.limits import DEFAULT_SESSION_LIMIT, DEFAULT_SESSION_SECONDS, MAX_DESCRIPTION_LENGTH


class ProjectQuerySet(models.QuerySet["Project"]):
    def alive(self) -> Self:
        """Leave out projects that are being deleted."""
        return self.filter(deleted_at=None)

    def owned_by_teams(self, team_uids: list[str]) -> Self:
        return self.alive().filter(team_uid__in=team_uids)


class Project(models.Model):
    """One tenant. The project `console` holds the installation's own users and teams."""

    id = models.BigAutoField(primary_key=True)
    uid = models.CharField(max_length=36, unique=True)
    name = models.CharField(max_length=128)
    team_uid = models.CharField(max_length=36, default="", blank=True)
    session_seconds = models.PositiveIntegerField(default=DEFAULT_SESSION_SECONDS)
    session_limit = models.PositiveIntegerField(default=DEFAULT_SESSION_LIMIT)
    user_limit = models.PositiveIntegerField(default=0)
    requires_verified_email = models.BooleanField(default=False)
    is_read_only_until_verified = models.BooleanField(default=False, db_default=False)
    rate_limits = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField()), blank=True
    )
    smtp = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField()), blank=True, editable=False
    )
    policies = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField()), blank=True
    )
    disabled_services = ArrayField(models.CharField(max_length=36), default=list, blank=True)
    disabled_protocols = ArrayField(models.CharField(max_length=36), default=list, blank=True)
    disabled_auth_methods = ArrayField(
        models.CharField(max_length=36), default=list, db_default=[], blank=True
    )
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True, editable=False)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        db_table = "project"
        indexes = [models.Index(fields=["team_uid"], name="project_team")]

    def __str__(self) -> str:
        return f"{self.name} ({self.uid})"

    @property
    def is_console(self) -> bool:
        return self.uid == CONSOLE_PROJECT


class ProjectPolicies(Project):
    """A project on the console's page of its policies."""

    class Meta:
        proxy = True
        verbose_name = verbose_name_plural = "policies"


class Key(models.Model):
    """An API key: only the digest of its secret is kept."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="keys")
    uid = models.CharField(max_length=36)
    name = models.CharField(max_length=128)
    description = models.CharField(max_length=MAX_DESCRIPTION_LENGTH, default="", blank=True)
    scopes = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    digest = models.BinaryField(unique=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    accessed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "api_key"
        constraints = [
            models.UniqueConstraint(fields=["project", "uid"], name="api_key_uid"),
        ]

    def __str__(self) -> str:
        return self.name


class Platform(models.Model):
    """A client app of a project: a hostname for browsers, a key for installed apps."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="platforms")
    uid = models.CharField(max_length=36)
    type = models.CharField(max_length=32)
    name = models.CharField(max_length=128)
    hostname = models.CharField(max_length=253, default="", blank=True)
    key = models.CharField(max_length=256, default="", blank=True)
    store = models.CharField(max_length=256, default="", blank=True)
    fingerprints = ArrayField(models.CharField(max_length=256), default=list, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "platform"
        constraints = [
            models.UniqueConstraint(fields=["project", "uid"], name="platform_uid"),
        ]

    def __str__(self) -> str:
        return self.name


class OAuthProvider(models.Model):
    """What a project has with an OAuth2 provider (see `projects.oauth`); its secrets encrypted."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="oauth_providers")
    provider = models.CharField(max_length=36)
    is_enabled = models.BooleanField(default=False)
    settings = models.JSONField(default=dict, blank=True)
    secrets = models.TextField(default="", blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "oauth_provider"
        verbose_name = "OAuth2 provider"
        constraints = [
            models.UniqueConstraint(fields=["project", "provider"], name="oauth_provider_name"),
        ]

    def __str__(self) -> str:
        return self.provider


class MockPhone(models.Model):
    """A number of a project's tests: its code, which is encrypted, never changes on its own."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="mock_phones")
    number = models.CharField(max_length=16)
    otp = models.TextField(editable=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "mock_phone"
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="mock_phone_number"),
        ]

    def __str__(self) -> str:
        return self.number


class SigningKey(models.Model):
    """One key of the ring: the newest signs, all verify.

    The key itself is derived from the installation's master secret and `salt`, and never stored.
    """

    kid = models.CharField(max_length=36, primary_key=True)
    salt = models.BinaryField(editable=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "signing_key"

    def __str__(self) -> str:
        return self.kid
