"""Console pages of projects, API keys and platforms."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.forms import SimpleArrayField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from gateway.admin import ServiceAdmin, checked, own_field
from kernel.caller import Caller
from kernel.ids import UNIQUE_ID
from kernel.scopes import PROJECT_KEY_SCOPES
from projects import services
from projects.catalog import AUTH_METHODS, PLATFORM_TYPES, PROTOCOLS, SERVICES
from projects.inputs import checks
from projects.limits_field import RateLimitsField
from projects.models import Key, OAuthProvider, Platform, Project
from projects.oauth import PROVIDERS, Provider, Setting, callback_url


def _switches(names: tuple[str, ...], label: str) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        choices=[(name, name) for name in names],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What is switched off is refused to everybody but keys and the console",
    )


class ProjectForm(forms.ModelForm):
    team_uid = forms.ChoiceField(label="Team")
    services = _switches(SERVICES, "Services")
    protocols = _switches(PROTOCOLS, "Interfaces")
    auth_methods = _switches(AUTH_METHODS, "Ways to sign in")
    rate_limits = RateLimitsField(
        required=False,
        help_text="In place of the usual ones, a line each: operation, calls, seconds",
    )

    class Meta:
        model = Project
        fields = (
            "uid",
            "name",
            "team_uid",
            "session_seconds",
            "session_limit",
            "user_limit",
            "requires_verified_email",
            "is_read_only_until_verified",
            "rate_limits",
        )


def _switch_service(caller: Caller, uid: str, name: str, is_on: bool) -> None:
    services.update_service(caller=caller, project_id=uid, service_id=name, enabled=is_on)


def _switch_protocol(caller: Caller, uid: str, name: str, is_on: bool) -> None:
    services.update_protocol(caller=caller, project_id=uid, protocol_id=name, enabled=is_on)


def _switch_method(caller: Caller, uid: str, name: str, is_on: bool) -> None:
    services.update_auth_method(caller=caller, project_id=uid, method_id=name, enabled=is_on)


SWITCHES = {
    "services": _switch_service,
    "protocols": _switch_protocol,
    "auth_methods": _switch_method,
}


def _switched(project: Project) -> dict[str, tuple[tuple[str, ...], list[str]]]:
    """Return all switches there are, and which of them a project has switched off."""
    return {
        "services": (SERVICES, project.disabled_services),
        "protocols": (PROTOCOLS, project.disabled_protocols),
        "auth_methods": (AUTH_METHODS, project.disabled_auth_methods),
    }


@admin.register(Project)
class ProjectAdmin(ServiceAdmin):
    """Projects of the console user's teams; a new one gets its database at once."""

    project_path = ""
    form = ProjectForm
    list_display = ("name", "uid", "team_uid", "created_at")
    search_fields = ("uid", "name")
    ordering = ("name",)

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("uid",) if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        form = super().get_form(request, obj, **options)
        teams = dict.fromkeys((*self.teams(request), *([obj.team_uid] if obj else [])))
        own_field(form, "team_uid").choices = [(team, team) for team in teams]
        if obj:
            for name, (all_of_them, disabled) in _switched(obj).items():
                on = [each for each in all_of_them if each not in disabled]
                own_field(form, name).initial = on
        else:
            own_field(form, "uid").initial = UNIQUE_ID
            for name in SWITCHES:
                del form.base_fields[name]
        return form

    def create(self, request: HttpRequest, values: dict[str, Any]) -> int:
        caller = self.console_user(request)
        made = services.create_project(
            caller=caller,
            project_id=values["uid"],
            name=values["name"],
            team_id=values["team_uid"],
        )
        self._update_settings(request, made["$id"], values)
        return Project.objects.get(uid=made["$id"]).pk

    def change(self, request: HttpRequest, obj: Project, values: dict[str, Any]) -> None:
        caller = self.console_user(request)
        before = Project.objects.get(pk=obj.pk).team_uid
        services.update_project(caller=caller, project_id=obj.uid, name=values["name"])
        self._update_settings(request, obj.uid, values)
        self._update_switches(request, obj, values)
        if values["team_uid"] != before:
            services.update_team(caller=caller, project_id=obj.uid, team_id=values["team_uid"])

    def remove(self, request: HttpRequest, obj: Project) -> None:
        services.delete_project(caller=self.console_user(request), project_id=obj.uid)

    def _update_switches(self, request: HttpRequest, obj: Project, values: dict[str, Any]) -> None:
        caller = self.console_user(request)
        for name, (all_of_them, disabled) in _switched(obj).items():
            for each in all_of_them:
                is_on = each in values[name]
                if is_on == (each in disabled):
                    SWITCHES[name](caller, obj.uid, each, is_on)

    def _update_settings(self, request: HttpRequest, uid: str, values: dict[str, Any]) -> None:
        services.update_settings(
            caller=self.console_user(request),
            project_id=uid,
            session_seconds=values["session_seconds"],
            session_limit=values["session_limit"],
            user_limit=values["user_limit"],
            requires_verified_email=values["requires_verified_email"],
            is_read_only_until_verified=values["is_read_only_until_verified"],
            rate_limits=values["rate_limits"],
        )


class KeyForm(forms.ModelForm):
    scopes = SimpleArrayField(
        forms.CharField(max_length=64),
        required=False,
        widget=UnfoldAdminTextareaWidget,
        help_text="Separated by commas. Known scopes: " + ", ".join(PROJECT_KEY_SCOPES),
    )

    class Meta:
        model = Key
        fields = ("project", "name", "scopes", "expires_at")


@admin.register(Key)
class KeyAdmin(ServiceAdmin):
    """API keys. A key's secret is shown once, right after it is made."""

    form = KeyForm
    list_display = ("name", "project", "expires_at", "accessed_at", "created_at")
    list_filter = ("project",)
    search_fields = ("name", "uid")
    ordering = ("project", "name")

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("project",) if obj else ()

    def create(self, request: HttpRequest, values: dict[str, Any]) -> int:
        project: Project = values["project"]
        made = services.create_key(
            caller=self.console_user(request),
            project_id=project.uid,
            name=values["name"],
            scopes=values["scopes"],
            expire=values["expires_at"],
        )
        shown = '<span style="overflow-wrap: anywhere">{}</span>'
        secret = format_html(shown, made["secret"])
        messages.warning(request, format_html("The key's secret, shown only now: {}", secret))
        return Key.objects.get(project=project, uid=made["$id"]).pk

    def change(self, request: HttpRequest, obj: Key, values: dict[str, Any]) -> None:
        services.update_key(
            caller=self.console_user(request),
            project_id=obj.project.uid,
            key_id=obj.uid,
            name=values["name"],
            scopes=values["scopes"],
            expire=values["expires_at"],
        )

    def remove(self, request: HttpRequest, obj: Key) -> None:
        services.delete_key(
            caller=self.console_user(request), project_id=obj.project.uid, key_id=obj.uid
        )


class PlatformForm(forms.ModelForm):
    type = forms.ChoiceField(
        choices=[(name, name) for name in sorted(set(PLATFORM_TYPES.values()))]
    )
    hostname = forms.CharField(
        required=False,
        max_length=checks.MAX_HOSTNAME_LENGTH,
        validators=[checked(checks.hostname)],
        widget=UnfoldAdminTextInputWidget,
        help_text="Of a web page, without protocol and port; *.example.com allows subdomains",
    )

    class Meta:
        model = Platform
        fields = ("project", "type", "name", "hostname", "key", "store")


@admin.register(Platform)
class PlatformAdmin(ServiceAdmin):
    """Client apps that may call from a browser or an installed app."""

    form = PlatformForm
    list_display = ("name", "type", "hostname", "key", "project")
    list_filter = ("project", "type")
    search_fields = ("name", "hostname", "key")
    ordering = ("project", "name")

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("project", "type") if obj else ()

    def create(self, request: HttpRequest, values: dict[str, Any]) -> int:
        project: Project = values["project"]
        made = services.create_platform(
            caller=self.console_user(request),
            project_id=project.uid,
            platform_type=values["type"],
            name=values["name"],
            hostname=values["hostname"],
            key=values["key"],
            store=values["store"],
        )
        return Platform.objects.get(project=project, uid=made["$id"]).pk

    def change(self, request: HttpRequest, obj: Platform, values: dict[str, Any]) -> None:
        services.update_platform(
            caller=self.console_user(request),
            project_id=obj.project.uid,
            platform_id=obj.uid,
            name=values["name"],
            hostname=values["hostname"],
            key=values["key"],
            store=values["store"],
        )

    def remove(self, request: HttpRequest, obj: Platform) -> None:
        services.delete_platform(
            caller=self.console_user(request), project_id=obj.project.uid, platform_id=obj.uid
        )


class NewProviderForm(forms.ModelForm):
    provider = forms.ChoiceField(choices=[(each.id, each.title) for each in PROVIDERS.values()])

    class Meta:
        model = OAuthProvider
        fields = ("project", "provider")


def _setting_field(setting: Setting, value: Any) -> forms.Field:
    """Return the form field of a provider's setting, which checks as the API does."""
    common: dict[str, Any] = {"label": setting.name, "required": False}
    if isinstance(setting.default, bool):
        return forms.BooleanField(initial=value, **common)
    if isinstance(setting.default, list):
        items = forms.CharField()
        return SimpleArrayField(
            items,
            initial=value,
            validators=[checked(setting.check)],
            widget=UnfoldAdminTextInputWidget,
            help_text="Separated by commas",
            **common,
        )
    common["validators"] = [checked(setting.check)]
    if setting.is_secret:
        widget = UnfoldAdminPasswordWidget
        return forms.CharField(
            strip=False, widget=widget, help_text="Left empty, it stays as it is", **common
        )
    if setting.is_nullable:
        return forms.IntegerField(initial=value, widget=UnfoldAdminTextInputWidget, **common)
    return forms.CharField(initial=value, widget=UnfoldAdminTextInputWidget, **common)


def _provider_form(provider: Provider, row: OAuthProvider) -> type[forms.ModelForm]:
    values = provider.with_defaults(row.settings)
    given = {each.name: _setting_field(each, values[each.name]) for each in provider.settings}
    meta = type("Meta", (), {"model": OAuthProvider, "fields": ("is_enabled",)})
    return type("ProviderForm", (forms.ModelForm,), {**given, "Meta": meta})


@admin.register(OAuthProvider)
class OAuthProviderAdmin(ServiceAdmin):
    """OAuth2 providers that users of a project can sign in with."""

    list_display = ("provider", "project", "is_enabled", "updated_at")
    list_filter = ("project", "provider", "is_enabled")
    search_fields = ("provider", "project__uid", "project__name")
    ordering = ("project", "provider")

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("project", "provider", "redirect_url") if obj else ()

    @admin.display(description="Redirect URL", empty_value="-")
    def redirect_url(self, obj: OAuthProvider) -> str:
        """Tell what to enter at the provider."""
        return callback_url(obj.provider, obj.project.uid)

    def get_form(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        if obj is None:
            return super().get_form(request, obj, form=NewProviderForm, **options)
        return _provider_form(PROVIDERS[obj.provider], obj)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> int:
        self._update(request, values["project"], values["provider"], {})
        row = OAuthProvider.objects.get(project=values["project"], provider=values["provider"])
        return row.pk

    def change(self, request: HttpRequest, obj: OAuthProvider, values: dict[str, Any]) -> None:
        settings = {
            each.name: values[each.name]
            for each in PROVIDERS[obj.provider].settings
            if values[each.name] or not each.is_secret
        }
        self._update(request, obj.project, obj.provider, settings, enabled=values["is_enabled"])

    def response_add(self, request: HttpRequest, obj: Any, **_options: Any) -> HttpResponse:
        """Lead on to the settings, which a provider that was just added has none of."""
        page = reverse("admin:projects_oauthprovider_change", args=[obj.pk])
        return HttpResponseRedirect(page)

    def _update(
        self,
        request: HttpRequest,
        project: Project,
        provider: str,
        settings: dict[str, Any],
        *,
        enabled: bool | None = None,
    ) -> None:
        services.update_oauth2_provider(
            caller=self.console_user(request),
            project_id=project.uid,
            provider_id=provider,
            enabled=enabled,
            settings=settings,
        )
