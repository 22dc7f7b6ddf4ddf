"""Tables of second factors: authenticator apps, recovery codes and challenges."""

from django.db import models
from django.db.models.functions import Now

from accounts.models.users import User


class Authenticator(models.Model):
    """An app that shows one-time passwords: its secret is encrypted, its last code remembered."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="authenticators")
    type = models.CharField(max_length=16)
    secret = models.TextField(editable=False)
    is_verified = models.BooleanField(default=False)
    last_step = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "authenticator"
        constraints = [
            models.UniqueConstraint(fields=["user", "type"], name="authenticator_type"),
        ]

    def __str__(self) -> str:
        return self.type


class RecoveryCode(models.Model):
    """A code that stands in for a lost factor once: only its digest is kept."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.BinaryField(editable=False)

    class Meta:
        db_table = "recovery_code"

    def __str__(self) -> str:
        return f"recovery code {self.id}"


class Challenge(models.Model):
    """A question for a second factor, put to one session; 0 stands for one of the console's pages.

    Sessions end without looking here: an expired challenge is swept on its own.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="challenges")
    session_id = models.BigIntegerField()
    uid = models.CharField(max_length=36, unique=True)
    factor = models.CharField(max_length=16)
    digest = models.BinaryField(editable=False)
    #: The encrypted code, where the project's own server is to deliver it.
    code = models.TextField(default="", db_default="", editable=False)
    tries_left = models.PositiveSmallIntegerField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "mfa_challenge"

    def __str__(self) -> str:
        return self.uid
