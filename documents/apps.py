"""Documents: databases, collections and documents."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class DocumentsConfig(AppConfig):
    name = "documents"

    def ready(self) -> None:
        """Register jobs and subscribers; a migration may give permissions other ids."""
        from documents import diagnosis, grants, subscribers, tasks
        from documents.store import epochs

        def forget(**_: Any) -> None:
            grants.permission_id.cache_clear()

        post_migrate.connect(forget, sender=self, weak=False)
        connection_created.connect(epochs.begin_on_connection, dispatch_uid="documents")
