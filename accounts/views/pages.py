"""Pages that mails lead to, for people with a browser."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.links import app_link
from kernel.ids import is_valid_id
from kernel.limits import MAX_SECRET_LENGTH

HANDED_OVER = ("userId", "secret", "expire")


@require_safe
def app_page(request: HttpRequest) -> HttpResponse:
    """Hand a mailed secret to the app of a project; here it is neither checked nor used up."""
    project = request.GET.get("project", "")
    told = {name: request.GET.get(name, "")[:MAX_SECRET_LENGTH] for name in HANDED_OVER}
    is_whole = is_valid_id(project) and all(told.values())
    context = {"link": app_link(project, **told) if is_whole else ""}
    response = render(request, "auth/app.html", context, status=200 if is_whole else 400)
    response.headers["Cache-Control"] = "no-store"
    return response
