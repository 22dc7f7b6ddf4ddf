"""The console's passkeys: signing in by one, and the page where console users keep theirs.

The page's script asks first, and then sends what the device has answered.
"""

from datetime import datetime
from typing import Any

import orjson
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.request import split_domain_port
from django.shortcuts import render
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts import services as accounts
from accounts.console import console_user
from accounts.inputs.passkeys import (
    CreatePasskeyInput,
    PasskeyInput,
    PasskeyTokenInput,
    PasskeyVerificationInput,
)
from console import factors
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.fields import as_dict, read_input
from kernel.limits import MAX_NAME_LENGTH

JSON = "application/json"


class NameForm(forms.Form):
    """What a new passkey is called; the page's script reads it."""

    passkey_name = forms.CharField(
        label="Name of the device",
        max_length=MAX_NAME_LENGTH,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
    )


def is_offered(request: HttpRequest, guest: Caller) -> bool:
    """Tell whether passkeys work on the page that the visitor sees: they belong to one host."""
    host = _host(request)
    return accounts.passkey_domain(caller=guest, origin=f"https://{host}") == host


def ask(request: HttpRequest, guest: Caller) -> HttpResponse:
    """Ask the visitor's device for any passkey of the console."""
    asked = accounts.create_passkey_token(caller=guest, origin=f"https://{_host(request)}")
    return JsonResponse({"id": asked["$id"], "publicKey": asked["publicKey"]})


def answering_user(guest: Caller, given: dict[str, Any]) -> Any:
    """Return the console user whose passkey has answered.

    Raises: ARGUMENT_INVALID, USER_INVALID_TOKEN, USER_PASSKEY_INVALID, USER_BLOCKED
    """
    data = read_input(PasskeyTokenInput, {**given, "challengeId": given.get("id")})
    return accounts.passkey_user(caller=guest, **as_dict(data))


def read(request: HttpRequest) -> dict[str, Any]:
    """Return what the page's script sent.

    Raises: ARGUMENT_INVALID
    """
    try:
        given = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise ApiError(ErrorKind.ARGUMENT_INVALID)
    return given


def refusal(error: ApiError) -> HttpResponse:
    return JsonResponse({"message": error.message}, status=error.kind.status)


def own(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show the console user's passkeys; whoever signed in just now adds and removes some."""
    user: Any = request.user  # a console user: the site lets nobody else in
    caller = console_user(user)
    if request.method == "POST" and request.content_type == JSON:
        return _add(request, caller)
    if request.method == "POST":
        return _remove(request, caller)
    context |= {
        "title": "Passkeys",
        "passkeys": [_shown(each) for each in accounts.list_passkeys(caller=caller)["passkeys"]],
        "form": NameForm(),
        "is_recent": factors.is_recent(request),
        "is_offered": is_offered(request, caller),
    }
    return render(request, "console/passkeys.html", context)


def _shown(passkey: Any) -> dict[str, Any]:
    used_at = passkey["accessedAt"]
    return {
        "id": passkey["$id"],
        "name": passkey["name"],
        "made_at": datetime.fromisoformat(passkey["$createdAt"]),
        "used_at": datetime.fromisoformat(used_at) if used_at else None,
    }


def _add(request: HttpRequest, caller: Caller) -> HttpResponse:
    try:
        given = read(request)
        _check_recent(request)
        if "credential" not in given:
            wanted = read_input(CreatePasskeyInput, {"name": given.get("name", "")})
            origin = f"https://{_host(request)}"
            asked = accounts.offer_passkey(caller=caller, origin=origin, **as_dict(wanted))
            return JsonResponse({"id": asked["passkeyId"], "publicKey": asked["publicKey"]})
        made = read_input(PasskeyVerificationInput, {**given, "passkeyId": given.get("id")})
        accounts.update_passkey_verification(caller=caller, **as_dict(made))
    except ApiError as error:
        return refusal(error)
    messages.success(request, "From now on this passkey signs you in.")
    return JsonResponse({"next": reverse("admin:passkeys")})


def _remove(request: HttpRequest, caller: Caller) -> HttpResponse:
    try:
        _check_recent(request)
        data = read_input(PasskeyInput, {"passkeyId": request.POST.get("remove")})
        accounts.delete_user_passkey(caller=caller, user_id=caller.user_uid, **as_dict(data))
        messages.success(request, "The passkey is removed.")
    except ApiError as error:
        messages.error(request, error.message)
    return HttpResponseRedirect(reverse("admin:passkeys"))


def _check_recent(request: HttpRequest) -> None:
    if not factors.is_recent(request):
        raise ApiError(ErrorKind.USER_REAUTHENTICATION_REQUIRED)


def _host(request: HttpRequest) -> str:
    return split_domain_port(request.get_host())[0]
