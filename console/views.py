"""Pages of the console that are more than a form on a model."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from accounts import services as accounts
from accounts.console import console_user
from console.forms import OwnPasswordForm
from gateway.views import route_not_found
from kernel.errors import ApiError, ErrorKind


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path of the console that leads nowhere with a page, any other as the API does."""
    if not request.path.startswith(reverse("admin:index")):
        return route_not_found(request, exception)
    context = admin.site.each_context(request)
    return render(request, "console/not_found.html", context, status=404)


class OwnPasswordView(PasswordChangeView):
    """Change one's password like over the API, which ends sessions and tells of it."""

    form_class = OwnPasswordForm

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        user: Any = self.request.user  # a console user: the site lets nobody else in
        try:
            accounts.update_password(
                caller=console_user(user),
                password=form.cleaned_data["new_password1"],
                old_password=form.cleaned_data["old_password"],
            )
        except ApiError as error:
            is_wrong = error.kind is ErrorKind.USER_INVALID_CREDENTIALS
            form.add_error("old_password" if is_wrong else None, error.message)
            return self.form_invalid(form)
        user.refresh_from_db()
        update_session_auth_hash(self.request, user)
        return HttpResponseRedirect(self.get_success_url())
