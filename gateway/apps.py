"""The gateway: HTTP mechanics shared by every app."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"
