"""The kernel: rules without HTTP; its tables are the outbox, jobs and rate counters."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "kernel"
