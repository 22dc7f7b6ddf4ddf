"""Console pages of users, sessions, teams and memberships."""

from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.postgres.forms import SimpleArrayField
from django.http import HttpRequest
from django.utils.html import format_html, urlize
from django.utils.safestring import mark_safe
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts import services
from accounts.inputs import mails
from accounts.models import EmailTemplate, Mail, Membership, Session, Team, TextMessage, User
from gateway.admin import ServiceAdmin, checked
from kernel import fields
from kernel.ids import UNIQUE_ID
from projects.encryption import DecryptionError

# Groups are the roles behind object permissions, made by the services as they are named.
admin.site.unregister(Group)
# So are identities at providers: allauth's own tables do not exist.
for label in ("account", "socialaccount"):
    admin.site.unregister(
        [
            model
            for model in apps.get_app_config(label).get_models()
            if admin.site.is_registered(model)
        ]
    )


class UserForm(forms.ModelForm):
    email = forms.CharField(
        required=False, validators=[checked(fields.email)], widget=UnfoldAdminTextInputWidget
    )
    new_password = forms.CharField(
        required=False,
        strip=False,
        validators=[checked(fields.password)],
        widget=UnfoldAdminPasswordWidget,
        help_text="Left empty, the password stays as it is",
    )
    labels = SimpleArrayField(
        forms.CharField(max_length=36), required=False, widget=UnfoldAdminTextInputWidget
    )

    class Meta:
        model = User
        fields = (
            "project",
            "uid",
            "name",
            "email",
            "phone",
            "new_password",
            "is_active",
            "is_email_verified",
            "is_impersonator",
            "labels",
        )


@admin.register(User)
class UserAdmin(ServiceAdmin):
    """End users of the console user's projects."""

    form = UserForm
    list_display = ("uid", "name", "email", "project", "is_active", "created_at", "accessed_at")
    list_filter = ("project", "is_active", "is_email_verified")
    search_fields = ("uid", "name", "email", "phone")
    ordering = ("-id",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(deleted_at=None)

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("project", "uid") if obj else ()

    def get_changeform_initial_data(self, _request: HttpRequest) -> dict[str, Any]:
        return {"uid": UNIQUE_ID}

    def create(self, request: HttpRequest, values: dict[str, Any]) -> int:
        project_uid = values["project"].uid
        caller = self.caller(request, project_uid)
        made = services.create_user(
            caller=caller,
            user_id=values["uid"],
            email=values["email"] or None,
            phone=values["phone"] or None,
            password=values["new_password"],
            name=values["name"],
        )
        user_uid = made["$id"]
        self._update_marks(request, project_uid, user_uid, values)
        return User.objects.get(project=values["project"], uid=user_uid).pk  # type: ignore[no-any-return]  # stubs say so of `pk`

    def change(self, request: HttpRequest, obj: User, values: dict[str, Any]) -> None:
        before = User.objects.get(pk=obj.pk)
        caller = self.caller(request, before.project.uid)
        if values["name"] != before.name:
            services.update_user_name(caller=caller, user_id=before.uid, name=values["name"])
        if values["email"] != (before.email or ""):
            services.update_user_email(caller=caller, user_id=before.uid, email=values["email"])
        if (values["phone"] or "") != (before.phone or ""):
            services.update_user_phone(
                caller=caller, user_id=before.uid, number=values["phone"] or ""
            )
        if values["new_password"]:
            services.update_user_password(
                caller=caller, user_id=before.uid, password=values["new_password"]
            )
        self._update_marks(request, before.project.uid, before.uid, values)

    def _update_marks(
        self, request: HttpRequest, project_uid: str, user_uid: str, values: dict[str, Any]
    ) -> None:
        caller = self.caller(request, project_uid)
        now = services.get_user(caller=caller, user_id=user_uid)
        if values["labels"] != now["labels"]:
            services.update_user_labels(caller=caller, user_id=user_uid, labels=values["labels"])
        if values["is_active"] != now["status"]:
            services.update_user_status(caller=caller, user_id=user_uid, status=values["is_active"])
        if values["is_email_verified"] != now["emailVerification"]:
            services.update_email_verification(
                caller=caller, user_id=user_uid, email_verification=values["is_email_verified"]
            )
        if values["is_impersonator"] != now["impersonator"]:
            services.update_impersonator(
                caller=caller, user_id=user_uid, impersonator=values["is_impersonator"]
            )

    def remove(self, request: HttpRequest, obj: User) -> None:
        caller = self.caller(request, obj.project.uid)
        services.delete_user(caller=caller, user_id=obj.uid)


@admin.register(Session)
class SessionAdmin(ServiceAdmin):
    """Signed-in clients; deleting one signs it out at once."""

    project_path = "user__project"
    list_display = ("uid", "user", "provider", "ip", "created_at", "expires_at")
    list_filter = ("user__project", "provider")
    search_fields = ("uid", "user__uid", "user__email", "ip")
    fields = ("uid", "user", "provider", "factors", "ip", "user_agent", "created_at", "expires_at")
    ordering = ("-id",)
    show_full_result_count = False

    def remove(self, request: HttpRequest, obj: Session) -> None:
        caller = self.caller(request, obj.user.project.uid)
        services.delete_user_session(caller=caller, user_id=obj.user.uid, session_id=obj.uid)


@admin.register(Mail)
class MailAdmin(ServiceAdmin):
    """Mails to users. Without an SMTP server they wait here, and their links can be followed."""

    list_display = ("created_at", "recipient", "subject", "project", "sent_at", "error")
    list_filter = ("project",)
    search_fields = ("recipient", "subject")
    fields = ("project", "recipient", "subject", "created_at", "sent_at", "error", "message")
    readonly_fields = ("message",)
    ordering = ("-id",)
    show_full_result_count = False

    @admin.display(description="Message")
    def message(self, obj: Mail) -> str:
        if not obj.content:
            return "Sent, and not kept."
        try:
            text = services.read_letter(obj).text
        except DecryptionError:
            return "Cannot be read with this master secret."
        return format_html("<pre>{}</pre>", mark_safe(urlize(text, autoescape=True)))  # noqa: S308  # escaped by urlize


@admin.register(TextMessage)
class TextMessageAdmin(ServiceAdmin):
    """Messages to phones. Without a provider they wait here, and their codes can be entered."""

    list_display = ("created_at", "recipient", "project", "sent_at", "error")
    list_filter = ("project",)
    search_fields = ("recipient",)
    fields = ("project", "recipient", "created_at", "sent_at", "error", "message")
    readonly_fields = ("message",)
    ordering = ("-id",)
    show_full_result_count = False

    @admin.display(description="Message")
    def message(self, obj: TextMessage) -> str:
        try:
            return services.read_text(obj) or "Sent, and not kept."
        except DecryptionError:
            return "Cannot be read with this master secret."


class EmailTemplateForm(forms.ModelForm):
    kind = forms.ChoiceField(
        choices=[(kind, kind) for kind in mails.TEMPLATE_KINDS], widget=UnfoldAdminSelectWidget
    )
    locale = forms.CharField(
        required=False,
        validators=[checked(mails.locale)],
        widget=UnfoldAdminTextInputWidget,
        help_text="A language like de or pt-br; left empty, it is for all others",
    )
    subject = forms.CharField(
        required=False,
        validators=[checked(mails.template(mails.MAX_SUBJECT_TEMPLATE_LENGTH))],
        widget=UnfoldAdminTextInputWidget,
        help_text="Left empty, it stays as it is",
    )
    message = forms.CharField(
        required=False,
        strip=False,
        validators=[checked(mails.template(mails.MAX_TEMPLATE_LENGTH))],
        widget=UnfoldAdminTextareaWidget,
        help_text="HTML with variables like {{project}}, {{redirect}} or {{otp}}; left empty, it"
        " stays as it is",
    )
    sender_email = forms.CharField(
        required=False, validators=[checked(fields.email)], widget=UnfoldAdminTextInputWidget
    )
    reply_to_email = forms.CharField(
        required=False, validators=[checked(fields.email)], widget=UnfoldAdminTextInputWidget
    )

    class Meta:
        model = EmailTemplate
        fields = (
            "project",
            "kind",
            "locale",
            "subject",
            "message",
            "sender_name",
            "sender_email",
            "reply_to_name",
            "reply_to_email",
        )


@admin.register(EmailTemplate)
class EmailTemplateAdmin(ServiceAdmin):
    """A project's own words for mails; deleting one returns to the built-in ones."""

    form = EmailTemplateForm
    list_display = ("kind", "locale", "project", "subject")
    list_filter = ("project", "kind")
    search_fields = ("kind", "subject", "message")
    ordering = ("project", "kind", "locale")

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("project", "kind", "locale") if obj else ()

    def create(self, request: HttpRequest, values: dict[str, Any]) -> int:
        project, kind, locale = values["project"], values["kind"], values["locale"].lower()
        caller = self.caller(request, project.uid)
        services.update_email_template(
            caller=caller, template_id=kind, locale=locale, **_words(values)
        )
        return EmailTemplate.objects.get(project=project, kind=kind, locale=locale).pk

    def change(self, request: HttpRequest, obj: EmailTemplate, values: dict[str, Any]) -> None:
        caller = self.caller(request, obj.project.uid)
        services.update_email_template(
            caller=caller, template_id=obj.kind, locale=obj.locale, **_words(values)
        )

    def remove(self, request: HttpRequest, obj: EmailTemplate) -> None:
        services.delete_email_template(
            caller=self.console_user(request),
            project_id=obj.project.uid,
            template_id=obj.kind,
            locale=obj.locale,
        )


def _words(values: dict[str, Any]) -> dict[str, str | None]:
    senders = ("sender_name", "sender_email", "reply_to_name", "reply_to_email")
    texts = {name: values[name] or None for name in ("subject", "message")}
    return texts | {name: values[name] for name in senders}


class TeamForm(forms.ModelForm):
    class Meta:
        model = Team
        fields = ("project", "uid", "name")


@admin.register(Team)
class TeamAdmin(ServiceAdmin):
    """Teams of users."""

    form = TeamForm
    list_display = ("name", "uid", "project", "created_at")
    list_filter = ("project",)
    search_fields = ("uid", "name")
    ordering = ("-id",)

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("project", "uid") if obj else ()

    def get_changeform_initial_data(self, _request: HttpRequest) -> dict[str, Any]:
        return {"uid": UNIQUE_ID}

    def create(self, request: HttpRequest, values: dict[str, Any]) -> int:
        caller = self.caller(request, values["project"].uid)
        made = services.create_team(caller=caller, team_id=values["uid"], name=values["name"])
        return Team.objects.get(project=values["project"], uid=made["$id"]).pk

    def change(self, request: HttpRequest, obj: Team, values: dict[str, Any]) -> None:
        caller = self.caller(request, obj.project.uid)
        services.update_team_name(caller=caller, team_id=obj.uid, name=values["name"])

    def remove(self, request: HttpRequest, obj: Team) -> None:
        caller = self.caller(request, obj.project.uid)
        services.delete_team(caller=caller, team_id=obj.uid)


class MembershipForm(forms.ModelForm):
    roles = SimpleArrayField(
        forms.CharField(max_length=81), required=False, widget=UnfoldAdminTextInputWidget
    )

    class Meta:
        model = Membership
        fields = ("team", "user", "roles")


@admin.register(Membership)
class MembershipAdmin(ServiceAdmin):
    """Who is in which team, and with which roles."""

    project_path = "team__project"
    form = MembershipForm
    list_display = ("user", "team", "roles", "is_confirmed", "joined_at")
    list_filter = ("team__project",)
    search_fields = ("user__uid", "user__email", "team__uid", "team__name")
    autocomplete_fields = ("team", "user")
    ordering = ("-id",)

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("team", "user") if obj else ()

    def create(self, request: HttpRequest, values: dict[str, Any]) -> int:
        team: Team = values["team"]
        made = services.create_membership(
            caller=self.caller(request, team.project.uid),
            team_id=team.uid,
            roles=values["roles"],
            user_id=values["user"].uid,
        )
        return Membership.objects.get(team=team, uid=made["$id"]).pk

    def change(self, request: HttpRequest, obj: Membership, values: dict[str, Any]) -> None:
        services.update_membership(
            caller=self.caller(request, obj.team.project.uid),
            team_id=obj.team.uid,
            membership_id=obj.uid,
            roles=values["roles"],
        )

    def remove(self, request: HttpRequest, obj: Membership) -> None:
        services.delete_membership(
            caller=self.caller(request, obj.team.project.uid),
            team_id=obj.team.uid,
            membership_id=obj.uid,
        )
