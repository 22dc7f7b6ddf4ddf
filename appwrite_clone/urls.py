"""Every path of this process: the API under `/v1`, the console under `/console/`."""

from collections.abc import Iterator
from importlib import import_module

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from accounts.links import APP_PAGE
from accounts.views.pages import app_page
from appwrite_clone.split import API_SERVICES
from gateway.forwarding import elsewhere
from projects.urls import HEALTH


def _api() -> Iterator[URLPattern | URLResolver]:
    """Yield the paths of services mounted here or forwarded from here."""
    for service in API_SERVICES:
        module = f"{service}.urls"
        if service in settings.SERVICES:
            yield path("", include(module))
        elif url := settings.SERVICE_URLS.get(service):
            patterns = import_module(module).urlpatterns
            yield path("", include(elsewhere(patterns, service=service, url=url)))
    yield path("", include(HEALTH))


urlpatterns: list[URLPattern | URLResolver] = [path("v1/", include(list(_api())))]
if "accounts" in settings.SERVICES:
    urlpatterns += [path(APP_PAGE, app_page)]
if "console" in settings.SERVICES:
    urlpatterns += [
        path("console/", admin.site.urls),
        path("", RedirectView.as_view(url="/console/")),
        path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}console/favicon.svg")),
    ]
    handler404 = "console.views.page_not_found"
else:
    handler404 = "gateway.views.route_not_found"
handler500 = "gateway.views.server_error"
