"""The console's admin site, made the default one so that apps register with `@admin.register`."""

from collections.abc import Mapping
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from unfold.sites import UnfoldAdminSite

from accounts import services as accounts
from console import factors, passkeys
from console.forms import FirstAdminForm, LoginForm
from console.views import OwnPasswordView
from gateway.credentials import read_credentials
from kernel import addresses, ratelimit
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from projects.services import operator

LOGIN_BACKEND = "django.contrib.auth.backends.ModelBackend"
LOGIN_LIMIT = 10
PASSKEY_LIMIT = 3 * LOGIN_LIMIT  # each takes two requests, and nothing can be guessed
LOGIN_WINDOW_SECONDS = 3600


class ConsoleSite(UnfoldAdminSite):
    """Django's admin as the console of the installation."""

    index_title = "Overview"
    login_form = LoginForm
    login_template = "console/login.html"

    def extra_urls(self) -> list[URLPattern]:
        return [
            path("setup/", self.setup, name="setup"),
            path("welcome/", self.welcome, name="welcome"),
            path("challenge/", self.challenge, name="challenge"),
            path("enrol/", self.enrol, name="enrol"),
            path("passkey/", self.passkey, name="passkey"),
            path("passkeys/", self.admin_view(self.passkeys), name="passkeys"),
            path("two-factor/", self.admin_view(self.two_factor), name="two_factor"),
        ]

    def has_permission(self, request: HttpRequest) -> bool:
        """Let console users in, once they have shown the second factor they want."""
        return super().has_permission(request) and not factors.lacks_factor(request)

    def _lacks_factor(self, request: HttpRequest) -> bool:
        """Tell whether somebody has come as far as their password, and no further."""
        return super().has_permission(request) and factors.lacks_factor(request)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer the first visitor to create the account; limit how fast passwords are tried."""
        if settings.CONSOLE_SIGNUP != "closed" and not accounts.has_console_admin():
            return HttpResponseRedirect(reverse("admin:setup"))
        if self._lacks_factor(request):
            page = reverse("admin:enrol" if factors.must_enrol(request) else "admin:challenge")
            query = request.GET.urlencode()
            return HttpResponseRedirect(f"{page}{query and f'?{query}'}")
        extra_context = {**(extra_context or {}), "has_passkeys": _is_passkey_offered(request)}
        if request.method != "POST":
            return super().login(request, extra_context)  # type: ignore[no-any-return]  # untyped base
        if _is_too_fast(request):
            return _too_many(request)
        guest, email = _guesser(request), _typed_email(request)
        try:
            accounts.take_guess(guest, email)
        except ApiError as error:
            return _too_many(request, headers=error.headers)
        response: HttpResponse = super().login(request, extra_context)
        # Whoever was signed in before still is after a wrong password.
        if isinstance(response, HttpResponseRedirect) and request.user.get_username() == email:
            accounts.guessed(guest, email)
            factors.remember_sign_in(request)
        return response

    def passkey(self, request: HttpRequest) -> HttpResponse:
        """Sign in by a passkey, which counts as the second factor, too; limit how fast it goes."""
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:login"))
        guest = _guesser(request)
        try:
            _count_passkey(request)
            given = passkeys.read(request)
            if "credential" not in given:
                return passkeys.ask(request, guest)
            user = passkeys.answering_user(guest, given)
        except ApiError as error:
            return passkeys.refusal(error)
        login(request, user, backend=LOGIN_BACKEND)
        factors.remember_shown(request)
        return JsonResponse({"next": factors.next_page(request)})

    def passkeys(self, request: HttpRequest) -> HttpResponse:
        """List, add and remove the console user's own passkeys; limit how fast it goes."""
        if request.method == "POST":
            try:
                _count_passkey(request)
            except ApiError as error:
                return passkeys.refusal(error)
        return passkeys.own(request, self.each_context(request))

    def challenge(self, request: HttpRequest) -> HttpResponse:
        """Ask for a second factor after the password; limit how fast codes are tried."""
        if not self._lacks_factor(request) or factors.must_enrol(request):
            return HttpResponseRedirect(reverse("admin:index"))
        if request.method == "POST" and _is_guessing(request):
            return _too_many(request)
        return factors.challenge(
            request, self.each_context(request), is_offered=_is_passkey_offered(request)
        )

    def enrol(self, request: HttpRequest) -> HttpResponse:
        """Have a second factor set up before anything else, where all have to show one."""
        if not self._lacks_factor(request) or not factors.must_enrol(request):
            return HttpResponseRedirect(reverse("admin:index"))
        if request.method == "POST" and _is_guessing(request):
            return _too_many(request)
        return factors.two_factor(request, self.each_context(request), "console/enrol.html")

    def two_factor(self, request: HttpRequest) -> HttpResponse:
        """Set up or remove the authenticator app of the console user; limit how fast it goes."""
        if request.method == "POST" and _is_guessing(request):
            return _too_many(request)
        return factors.two_factor(request, self.each_context(request))

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Change the console user's own password; limit how fast the old one is tried."""
        if request.method == "POST" and _is_too_fast(request):
            return _too_many(request)
        request.current_app = self.name
        view = OwnPasswordView.as_view(
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return cast("HttpResponse", view(request))

    def setup(self, request: HttpRequest) -> HttpResponse:
        """Create the first account of an installation that has none, and sign it in."""
        is_first = settings.CONSOLE_SIGNUP != "open"
        if settings.CONSOLE_SIGNUP == "closed" or (is_first and accounts.has_console_admin()):
            return HttpResponseRedirect(reverse("admin:login"))
        if request.method == "POST" and _is_too_fast(request):
            return _too_many(request)
        form = FirstAdminForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                user = accounts.create_console_admin(**form.cleaned_data, is_first=is_first)
            except ApiError as error:
                form.add_error(None, error.message)
            else:
                login(request, user, backend=LOGIN_BACKEND)
                factors.remember_sign_in(request)
                return HttpResponseRedirect(reverse("admin:index"))
        context = self.each_context(request) | {
            "form": form,
            "title": "Create your account",
            "subtitle": "The first account owns this installation",
        }
        return render(request, "console/first_admin.html", context)

    def welcome(self, request: HttpRequest) -> HttpResponse:
        """Redeem a one-time link: sign its user in, or lead to the first account's form."""
        try:
            user = accounts.redeem_console_link(request.GET.get("token", ""))
        except ApiError:
            user = None
            messages.error(request, "This link was used before or has expired.")
        if user is not None:
            login(request, user, backend=LOGIN_BACKEND)
            factors.remember_shown(request)  # whoever made the link runs the installation
        return HttpResponseRedirect(reverse("admin:index"))


def _is_passkey_offered(request: HttpRequest) -> bool:
    return passkeys.is_offered(request, _guesser(request))


def _count_passkey(request: HttpRequest) -> None:
    """Count the requests of passkeys by address.

    Raises: RATE_LIMIT_EXCEEDED
    """
    key = f"console-passkey:{addresses.subscriber(read_credentials(request).ip)}"
    state = ratelimit.hit(key, limit=PASSKEY_LIMIT, window_seconds=LOGIN_WINDOW_SECONDS)
    if state.is_exceeded:
        raise ApiError(ErrorKind.RATE_LIMIT_EXCEEDED)


def _is_guessing(request: HttpRequest) -> bool:
    """Count a try both for the address it comes from and for the user whose factor it is."""
    key = f"console-factor:{request.user.pk}"
    state = ratelimit.hit(key, limit=LOGIN_LIMIT, window_seconds=LOGIN_WINDOW_SECONDS)
    return _is_too_fast(request) or state.is_exceeded


def _is_too_fast(request: HttpRequest) -> bool:
    key = f"console-login:{addresses.subscriber(read_credentials(request).ip)}"
    state = ratelimit.hit(key, limit=LOGIN_LIMIT, window_seconds=LOGIN_WINDOW_SECONDS)
    return state.is_exceeded


def _guesser(request: HttpRequest) -> Caller:
    """Return who tries a password, so that the page and the API count as one."""
    return Caller(project=operator().project, ip=read_credentials(request).ip)


def _typed_email(request: HttpRequest) -> str:
    """Return the address that is looked up, so that no spelling of it has guesses of its own."""
    field = LoginForm(request).fields["username"]
    return str(field.to_python(request.POST.get("username", ""))).lower()


def _too_many(request: HttpRequest, *, headers: Mapping[str, str] | None = None) -> HttpResponse:
    response = render(request, "console/too_many.html", status=429)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response
