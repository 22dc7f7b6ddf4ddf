"""The console's pages of second factors: showing one after the password, and setting an app up."""

from typing import Any

import segno
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts import services as accounts
from accounts.console import console_user
from kernel import clock
from kernel.caller import Caller
from kernel.errors import ApiError
from kernel.limits import MAX_SECRET_LENGTH, RECENT_SIGN_IN_SECONDS

APP = "totp"
QR_SCALE = 5
#: What the login remembers: that a factor was shown, the challenge a code was sent for, and when.
SHOWN, ASKED = "factor_shown", "factor_asked"
SIGNED_IN = "signed_in_at"
_LABELS = {
    "totp": "Authenticator app",
    "email": "Code by mail",
    "phone": "Code to your phone",
    "recoveryCode": "Recovery code",
}
_SENT = ("email", "phone")


class FactorForm(forms.Form):
    """Which factor is shown, and its code."""

    factor = forms.ChoiceField(widget=UnfoldAdminSelectWidget())
    code = forms.CharField(
        max_length=MAX_SECRET_LENGTH,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code"}),
    )

    def __init__(self, factors: dict[str, bool], *args: Any) -> None:
        super().__init__(*args)
        self.held = [(name, label) for name, label in _LABELS.items() if factors[name]]
        self.fields["factor"] = forms.ChoiceField(
            choices=self.held, widget=UnfoldAdminSelectWidget()
        )


class CodeForm(forms.Form):
    """A code that an authenticator app shows."""

    code = forms.CharField(
        max_length=MAX_SECRET_LENGTH,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code"}),
    )


def lacks_factor(request: HttpRequest) -> bool:
    """Tell whether somebody has given their password alone, where they, or all, show two."""
    user: Any = request.user
    if request.session.get(SHOWN) == user.pk:
        return False
    return _is_required() or (user.has_mfa and _has_factor(request))


def must_enrol(request: HttpRequest) -> bool:
    """Tell whether somebody who lacks a factor has none to show, and no passkey, either."""
    if not lacks_factor(request) or _has_factor(request):
        return False
    return not _has_passkeys(request)


def remember_shown(request: HttpRequest) -> None:
    """Ask for no second factor again in this login."""
    user: Any = request.user
    request.session[SHOWN] = user.pk
    request.session.pop(ASKED, None)
    remember_sign_in(request)


def remember_sign_in(request: HttpRequest) -> None:
    """Know for a while that it is the user who sits there."""
    request.session[SIGNED_IN] = clock.now().timestamp()


def is_recent(request: HttpRequest) -> bool:
    """Tell whether the user signed in, or showed a factor, in the last minutes."""
    signed_in: float = request.session.get(SIGNED_IN, 0.0)
    return clock.now().timestamp() - signed_in < RECENT_SIGN_IN_SECONDS


def challenge(
    request: HttpRequest, context: dict[str, Any], *, is_offered: bool = False
) -> HttpResponse:
    """Ask for a second factor, and lead on once it is shown; a passkey may be offered instead."""
    caller = _caller(request)
    factors: Any = accounts.list_mfa_factors(caller=caller)
    form = FactorForm(factors, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            if "send" in request.POST:
                _send(request, form.cleaned_data["factor"])
            else:
                _show(request, **form.cleaned_data)
                return HttpResponseRedirect(next_page(request))
        except ApiError as error:
            form.add_error(None, error.message)
    context |= {
        "form": form,
        "has_factor": bool(form.held),
        "has_passkeys": is_offered and _has_passkeys(request),
        "may_send": any(factors[name] for name in _SENT),
        "title": "Second factor",
        "subtitle": "Sign in to the console",
    }
    return render(request, "console/challenge.html", context)


def two_factor(
    request: HttpRequest, context: dict[str, Any], page: str = "console/two_factor.html"
) -> HttpResponse:
    """Set an authenticator app up, or do without one."""
    caller = _caller(request)
    action = request.POST.get("action", "")
    context |= {"title": "Second factor", "form": CodeForm()}
    try:
        if action == "start":
            _offer(context, accounts.create_mfa_authenticator(caller=caller, type=APP))
        elif action == "confirm":
            _confirm(request, context)
        elif action == "stop":
            _stop(request)
    except ApiError as error:
        messages.error(request, error.message)
    factors = accounts.list_mfa_factors(caller=caller)
    user: Any = request.user
    user.refresh_from_db(fields=["has_mfa"])
    context |= {"has_app": factors["totp"], "is_on": user.has_mfa}
    return render(request, page, context)


def _is_required() -> bool:
    return settings.CONSOLE_SECOND_FACTOR == "required"


def _has_factor(request: HttpRequest) -> bool:
    factors = accounts.list_mfa_factors(caller=_caller(request))
    return factors["totp"] or factors["email"] or factors["phone"]


def _has_passkeys(request: HttpRequest) -> bool:
    return bool(accounts.list_passkeys(caller=_caller(request))["total"])


def _caller(request: HttpRequest) -> Caller:
    user: Any = request.user  # a console user: the site lets nobody else in
    return console_user(user)


def _send(request: HttpRequest, factor: str) -> None:
    """Have a code sent; an app and recovery codes need none."""
    if factor in _SENT:
        caller = _caller(request)
        asked = accounts.create_mfa_challenge(caller=caller, factor=factor)
        request.session[ASKED] = {"factor": factor, "challenge": asked["$id"]}
        messages.info(request, "A code is on its way.")


def _show(request: HttpRequest, *, factor: str, code: str) -> None:
    caller = _caller(request)
    asked = request.session.get(ASKED) or {}
    uid = asked.get("challenge", "") if asked.get("factor") == factor else ""
    if factor not in _SENT:
        uid = accounts.create_mfa_challenge(caller=caller, factor=factor)["$id"]
    accounts.pass_challenge(caller=caller, challenge_id=uid, otp=code)
    request.session.cycle_key()
    remember_shown(request)


def next_page(request: HttpRequest) -> str:
    """Return where the visitor was going, if that is a place of this console."""
    wanted = request.GET.get("next", "")
    hosts = {request.get_host()}
    is_safe = url_has_allowed_host_and_scheme(wanted, hosts, require_https=request.is_secure())
    return wanted if is_safe else reverse("admin:index")


def _offer(context: dict[str, Any], offered: Any) -> None:
    code = segno.make(offered["uri"])
    context |= {"secret": offered["secret"], "image": code.svg_data_uri(scale=QR_SCALE)}


def _confirm(request: HttpRequest, context: dict[str, Any]) -> None:
    caller = _caller(request)
    code = request.POST.get("code", "")[:MAX_SECRET_LENGTH]
    accounts.update_mfa_authenticator(caller=caller, type=APP, otp=code)
    remember_shown(request)
    accounts.update_mfa(caller=caller, mfa=True)
    if not accounts.list_mfa_factors(caller=caller)["recoveryCode"]:
        made = accounts.create_mfa_recovery_codes(caller=caller)
        context["codes"] = made["recoveryCodes"]
    messages.success(request, "From now on a code of your app is asked for after the password.")


def _stop(request: HttpRequest) -> None:
    """Remove the app, by a code of it: whoever finds the console open must not be able to."""
    caller = _caller(request)
    _show(request, factor=APP, code=request.POST.get("code", "")[:MAX_SECRET_LENGTH])
    accounts.delete_user_mfa_authenticator(caller=caller, user_id=caller.user_uid, type=APP)
    accounts.update_mfa(caller=caller, mfa=False)
    if _is_required():
        messages.success(request, "The app is removed. The next sign-in asks you to set one up.")
    else:
        messages.success(request, "The password alone lets you in again.")
