"""Tables of passkeys, and of the ceremonies that make and use them."""

from django.db import models
from django.db.models.functions import Now

from accounts.models.users import User
from kernel.limits import MAX_NAME_LENGTH
from projects.models import Project


class Passkey(models.Model):
    """A key pair of a user's device, of which the public half is here (WebAuthn).

    `rp_id` is the domain it belongs to, `sign_count` what the device last counted.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="passkeys")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys")
    uid = models.CharField(max_length=36)
    name = models.CharField(max_length=MAX_NAME_LENGTH, default="", blank=True)
    rp_id = models.CharField(max_length=253)
    credential_id = models.BinaryField(editable=False)
    public_key = models.BinaryField(editable=False)
    sign_count = models.BigIntegerField(default=0)
    accessed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "passkey"
        constraints = [
            models.UniqueConstraint(fields=["user", "uid"], name="passkey_uid"),
            models.UniqueConstraint(fields=["project", "credential_id"], name="passkey_credential"),
        ]

    def __str__(self) -> str:
        return self.name or self.uid


class PasskeyChallenge(models.Model):
    """What a device is to sign: to become a passkey, or to sign its user in.

    It is gone once it is answered, rightly or not. A new passkey is bound to the session that asked
    for it; who signs in is known only by their answer.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="passkey_challenges"
    )
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, related_name="passkey_challenges"
    )
    session_id = models.BigIntegerField(default=0)
    uid = models.CharField(max_length=36, unique=True)
    digest = models.BinaryField(editable=False)
    rp_id = models.CharField(max_length=253)
    passkey_uid = models.CharField(max_length=36, default="")
    name = models.CharField(max_length=MAX_NAME_LENGTH, default="")
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "passkey_challenge"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "passkey_uid"],
                condition=models.Q(user__isnull=False),
                name="passkey_challenge_pending",
            )
        ]

    def __str__(self) -> str:
        return self.uid
