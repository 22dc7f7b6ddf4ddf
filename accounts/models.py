"""Tables of identity: users, sessions, teams, memberships and the roles behind permissions."""

from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Group, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from kernel.limits import MAX_LABEL_LENGTH, MAX_NAME_LENGTH, MAX_TEAM_ROLE_LENGTH
from projects.models import Project


def login_of(project_id: int, uid: str, console_email: str | None) -> str:
    """Return the name a user is known by in the whole installation."""
    return console_email or f"{project_id}:{uid}"


class UserQuerySet(models.QuerySet["User"]):
    def in_project(self, project_id: int) -> Self:
        """Leave out other projects' users, and those whose deletion is under way."""
        return self.filter(project_id=project_id, deleted_at=None)


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
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
    former_passwords = ArrayField(
        models.CharField(max_length=1024), default=list, db_default=[], editable=False
    )
    is_active = models.BooleanField(default=True)
    is_email_verified = models.BooleanField(default=False)
    is_phone_verified = models.BooleanField(default=False)
    has_mfa = models.BooleanField(default=False)
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


class Mail(models.Model):
    """A mail to a user: on its way, or kept for the console's outbox page where none can leave.

    Its text holds secrets, and so is encrypted, and gone once the mail is.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="mails")
    uid = models.CharField(max_length=36, unique=True)
    recipient = models.CharField(max_length=320)
    subject = models.CharField(max_length=256)
    content = models.TextField(editable=False)
    error = models.CharField(max_length=512, default="", blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "mail"
        indexes = [models.Index(fields=["project", "created_at"], name="mail_project")]

    def __str__(self) -> str:
        return f"{self.subject} to {self.recipient}"


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
    tries_left = models.PositiveSmallIntegerField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "mfa_challenge"

    def __str__(self) -> str:
        return self.uid


class EmailTemplate(models.Model):
    """A project's own words for one kind of mail, in one locale or (empty) in all."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="email_templates")
    kind = models.CharField(max_length=32)
    locale = models.CharField(max_length=8, default="", blank=True)
    subject = models.CharField(max_length=255)
    message = models.TextField()
    sender_name = models.CharField(max_length=255, default="", blank=True)
    sender_email = models.CharField(max_length=320, default="", blank=True)
    reply_to_name = models.CharField(max_length=255, default="", blank=True)
    reply_to_email = models.CharField(max_length=320, default="", blank=True)

    class Meta:
        db_table = "email_template"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "locale"], name="email_template_locale"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.locale}".strip()


class TextMessage(models.Model):
    """A message to a user's phone: on its way, or kept for the console where none can leave.

    It holds a secret, and so is encrypted, and gone once it is sent.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="text_messages")
    uid = models.CharField(max_length=36, unique=True)
    recipient = models.CharField(max_length=16)
    content = models.TextField(editable=False)
    error = models.CharField(max_length=512, default="", blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "text_message"
        indexes = [models.Index(fields=["project", "created_at"], name="text_message_project")]

    def __str__(self) -> str:
        return f"text message to {self.recipient}"


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
