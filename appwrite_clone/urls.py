"""Every path of the installation: the API under `/v1`, the console under `/console/`."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

API_URLS = [
    path("", include("projects.urls")),
    path("", include("accounts.urls")),
    path("", include("documents.urls")),
]

urlpatterns = [
    path("v1/", include(API_URLS)),
    path("console/", admin.site.urls),
    path("", RedirectView.as_view(url="/console/")),
]
handler404 = "gateway.views.route_not_found"
handler500 = "gateway.views.server_error"
