"""Functions: deployments and executions. Nothing is served yet."""

from django.apps import AppConfig


class FunctionsConfig(AppConfig):
    name = "functions"
