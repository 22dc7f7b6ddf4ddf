"""The table of targets: where messages reach users."""

from django.db import models
from django.db.models.functions import Now

from accounts.models.sessions import Session
from accounts.models.users import User
from kernel.limits import MAX_EMAIL_LENGTH, MAX_NAME_LENGTH
from projects.models import Project


class Target(models.Model):
    """An address, a number or a device of a user that messages can go to.

    Those of a user's own address and number are made by triggers, and follow them. That of a
    device goes with the session that made it.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="targets")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="targets")
    # The database removes a session's targets itself, whoever ends the session.
    session = models.ForeignKey(
        Session,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="targets",
    )
    uid = models.CharField(max_length=36)
    provider_type = models.CharField(max_length=8)
    provider_uid = models.CharField(max_length=36, default="", db_default="", blank=True)
    identifier = models.CharField(max_length=MAX_EMAIL_LENGTH)
    name = models.CharField(max_length=MAX_NAME_LENGTH, default="", db_default="", blank=True)
    is_expired = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "target"
        constraints = [
            models.UniqueConstraint(fields=["project", "uid"], name="target_uid"),
            models.UniqueConstraint(
                fields=["project", "provider_type", "identifier"], name="target_identifier"
            ),
        ]

    def __str__(self) -> str:
        return self.identifier
