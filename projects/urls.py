"""Paths of projects."""

from django.urls.resolvers import URLPattern

urlpatterns: list[URLPattern] = []
