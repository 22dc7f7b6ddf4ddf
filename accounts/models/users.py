"""The table of users."""

from functools import cached_property
from operator import attrgetter
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from kernel.limits import MAX_LABEL_LENGTH, MAX_NAME_LENGTH
from projects.models import Project


def login_of(project_id: int, uid: str, console_email: str | None) -> str:
    """Return the name a user is known by in the whole installation."""
    return console_email or f"{project_id}:{uid}"


class UserQuerySet(models.QuerySet["User"]):
    def in_project(self, project_id: int) -> Self:
        """Leave out other projects' users, and those whose deletion is under way."""
        return self.filter(project_id=project_id, deleted_at=None)


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]  # a class made here
    """Finds users the way Django's login form asks: by `login`."""

    def get_by_natural_key(self, username: str | None) -> "User":
        # Addresses are stored in small letters; no other users may enter by a login.
        user: User = self.get(login=(username or "").lower(), deleted_at=None)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A user of one project; those of the project `console` may open the console.

    `login` is unique in the installation: the e-mail address of a console user, and
    `{project id}:{uid}` of any other.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="users")
    uid = models.CharField(max_length=36)
    login = models.CharField(max_length=320, unique=True)
    email = models.CharField(max_length=320, null=True, blank=True)
    phone = models.CharField(max_length=16, null=True, blank=True)
    name = models.CharField(max_length=MAX_NAME_LENGTH, default="", blank=True)
    password = models.CharField(max_length=1024, default="")
    password_updated_at = models.DateTimeField(null=True, editable=False)
    #: Whether the password is known from a data breach; null where nobody asked.
    is_password_pwned = models.BooleanField(null=True, editable=False)
    former_passwords = ArrayField(
        models.CharField(max_length=1024), default=list, db_default=[], editable=False
    )
    is_active = models.BooleanField(default=True)
    is_email_verified = models.BooleanField(default=False)
    is_phone_verified = models.BooleanField(default=False)
    has_mfa = models.BooleanField(default=False)
    is_impersonator = models.BooleanField(default=False, db_default=False)
    labels = ArrayField(models.CharField(max_length=MAX_LABEL_LENGTH), default=list, blank=True)
    prefs = models.JSONField(default=dict, blank=True)
    accessed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[Any] = UserManager()

    USERNAME_FIELD = "login"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        db_table = "account"
        constraints = [
            models.UniqueConstraint(fields=["project", "uid"], name="account_uid"),
            models.UniqueConstraint(fields=["project", "email"], name="account_email"),
            models.UniqueConstraint(fields=["project", "phone"], name="account_phone"),
        ]

    def __str__(self) -> str:
        return self.email or self.name or self.uid

    def get_full_name(self) -> str:
        """Return what the console calls its visitor."""
        return self.name

    @property
    def is_staff(self) -> bool:
        """Tell Django's admin who may enter: users of the project `console`."""
        return self.is_active and self.deleted_at is None and self.project.is_console

    @property
    def is_verified(self) -> bool:
        return self.is_email_verified or self.is_phone_verified

    @cached_property
    def known_targets(self) -> list[Any]:
        """Where messages reach the user, as it is when first asked for."""
        return sorted(self.targets.all(), key=attrgetter("id"))
