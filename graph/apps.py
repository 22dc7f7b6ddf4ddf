"""GraphQL over the same services. Nothing is served yet."""

from django.apps import AppConfig


class GraphConfig(AppConfig):
    name = "graph"
