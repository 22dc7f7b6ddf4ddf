"""Tables of what lets a client in: sessions, and the secrets that start one or do one thing."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from accounts.models.identities import Identity
from accounts.models.users import User


class Session(models.Model):
    """A signed-in client: only the digest of its secret is kept."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    uid = models.CharField(max_length=36, unique=True)
    digest = models.BinaryField(unique=True, editable=False)
    provider = models.CharField(max_length=64)
    provider_uid = models.CharField(max_length=320, default="")
    identity = models.ForeignKey(
        Identity, on_delete=models.SET_NULL, null=True, related_name="sessions"
    )
    factors = ArrayField(models.CharField(max_length=32), default=list)
    ip = models.CharField(max_length=64, default="")
    user_agent = models.CharField(max_length=512, default="")
    country_code = models.CharField(max_length=2, default="")
    expires_at = models.DateTimeField()
    mfa_updated_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "session"
        indexes = [models.Index(fields=["user", "id"], name="session_user")]

    def __str__(self) -> str:
        return self.uid


class Token(models.Model):
    """A secret that lets its user do one thing once: only its digest is kept.

    The digest is bound to the user and the purpose. Secrets short enough to be guessed have a
    number of tries; those sent by mail or to a phone are good for the address they went to. An
    `alias` stands for the user where it must not be told who they are.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    uid = models.CharField(max_length=36, unique=True)
    purpose = models.CharField(max_length=32)
    digest = models.BinaryField(editable=False)
    email = models.CharField(max_length=320, default="", blank=True)
    phone = models.CharField(max_length=16, default="", db_default="", blank=True)
    alias = models.CharField(
        max_length=36, default="", db_default="", blank=True, db_index=True, editable=False
    )
    tries_left = models.PositiveSmallIntegerField(null=True)
    identity = models.ForeignKey(
        Identity, on_delete=models.CASCADE, null=True, related_name="tokens"
    )
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "account_token"

    def __str__(self) -> str:
        return self.uid


class ConsoleLink(models.Model):
    """A link that opens the console once: only the digest of its secret is kept."""

    id = models.BigAutoField(primary_key=True)
    digest = models.BinaryField(unique=True, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "console_link"

    def __str__(self) -> str:
        return f"console link {self.id}"
