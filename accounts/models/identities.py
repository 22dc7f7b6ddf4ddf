"""Tables of sign-in by OAuth2 providers: identities, and the ways to a provider and back."""

from django.db import models
from django.db.models.functions import Now

from accounts.models.users import User
from projects.models import Project


class Identity(models.Model):
    """A user as an OAuth2 provider knows them; what the provider gave for them is encrypted."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="identities")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    uid = models.CharField(max_length=36, unique=True)
    provider = models.CharField(max_length=36)
    provider_uid = models.CharField(max_length=255)
    provider_email = models.CharField(max_length=320, default="", blank=True)
    access_token = models.TextField(default="", editable=False)
    access_token_expires_at = models.DateTimeField(null=True)
    refresh_token = models.TextField(default="", editable=False)
    id_token = models.TextField(default="", editable=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "identity"
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "provider", "provider_uid"], name="identity_provider_uid"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "id"], name="identity_user"),
            models.Index(fields=["project", "provider_email"], name="identity_email"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.provider_uid}"


class OAuthFlow(models.Model):
    """A user's way to an OAuth2 provider and back, which is gone once they are.

    `browser` is the digest of the cookie of who set out, empty where a server sent them; `user` is
    whom the identity at the provider is to be added to, as long as their session lives.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="oauth_flows")
    uid = models.CharField(max_length=36, unique=True)
    provider = models.CharField(max_length=36)
    browser = models.BinaryField(default=b"", editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="oauth_flows")
    session_uid = models.CharField(max_length=36, default="")
    is_for_token = models.BooleanField(default=False)
    success = models.TextField(default="")
    failure = models.TextField(default="")
    client_state = models.CharField(max_length=256, default="")
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "oauth_flow"

    def __str__(self) -> str:
        return self.uid
