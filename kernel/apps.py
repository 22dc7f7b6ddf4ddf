"""The kernel: rules without HTTP; its tables are the outbox, jobs and rate counters."""

from django.apps import AppConfig
from django.core.signals import request_started


class KernelConfig(AppConfig):
    name = "kernel"

    def ready(self) -> None:
        from kernel.sql import drop_dead_connection

        request_started.connect(drop_dead_connection, dispatch_uid="kernel")
