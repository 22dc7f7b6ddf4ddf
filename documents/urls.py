"""Paths of documents."""

from django.urls.resolvers import URLPattern

urlpatterns: list[URLPattern] = []
