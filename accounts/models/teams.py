"""Tables of teams, their members and the roles behind permissions."""

from typing import Self

from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from accounts.models.users import User
from kernel.limits import MAX_NAME_LENGTH, MAX_TEAM_ROLE_LENGTH
from projects.models import Project


class TeamQuerySet(models.QuerySet["Team"]):
    def in_project(self, project_id: int) -> Self:
        return self.filter(project_id=project_id)


class Team(models.Model):
    """A group of users of one project."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="teams")
    uid = models.CharField(max_length=36)
    name = models.CharField(max_length=MAX_NAME_LENGTH)
    prefs = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    objects = TeamQuerySet.as_manager()

    class Meta:
        db_table = "team"
        constraints = [models.UniqueConstraint(fields=["project", "uid"], name="team_uid")]

    def __str__(self) -> str:
        return self.name


class MembershipQuerySet(models.QuerySet["Membership"]):
    def in_project(self, project_id: int) -> Self:
        return self.filter(project_id=project_id)

    def in_team(self, uid: str) -> Self:
        return self.filter(team__uid=uid)


class Membership(models.Model):
    """A user's place in a team; it counts once confirmed.

    Until then the digest of what was mailed stands for the invitation.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    uid = models.CharField(max_length=36)
    roles = ArrayField(models.CharField(max_length=MAX_TEAM_ROLE_LENGTH), default=list, blank=True)
    is_confirmed = models.BooleanField(default=False)
    invitation_digest = models.BinaryField(null=True, editable=False)
    invitation_expires_at = models.DateTimeField(null=True, editable=False)
    invited_at = models.DateTimeField(db_default=Now())
    joined_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(db_default=Now())

    objects = MembershipQuerySet.as_manager()

    class Meta:
        db_table = "membership"
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="membership_user"),
            models.UniqueConstraint(fields=["project", "uid"], name="membership_uid"),
        ]

    def __str__(self) -> str:
        return self.uid


class Role(models.Model):
    """A permission role of a project, such as `team:writers/owner`, and the group that holds it.

    Object permissions are rows of django-guardian on that group.
    """

    group = models.OneToOneField(
        Group, on_delete=models.CASCADE, primary_key=True, related_name="role"
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=160)

    class Meta:
        db_table = "role"
        constraints = [models.UniqueConstraint(fields=["project", "role"], name="role_name")]

    def __str__(self) -> str:
        return self.role
