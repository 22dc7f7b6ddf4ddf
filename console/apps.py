"""The console: Django's admin over the services."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConsoleAdminConfig(AdminConfig):
    """Django's admin with our site as the default."""

    default_site = "console.sites.ConsoleSite"


class ConsoleConfig(AppConfig):
    """The console's own pages."""

    name = "console"

    def ready(self) -> None:
        from console import retention
