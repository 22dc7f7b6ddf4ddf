"""Documents: databases, collections and documents."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DocumentsConfig(AppConfig):
    name = "documents"

    def ready(self) -> None:
        """Register jobs and subscribers; a migration may give permissions other ids."""
        from documents import diagnosis, grants, subscribers, tasks  # noqa: F401

        def forget(**_: Any) -> None:
            grants.permission_id.cache_clear()

        post_migrate.connect(forget, sender=self, weak=False)
