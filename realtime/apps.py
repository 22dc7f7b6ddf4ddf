"""Wiring of realtime."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"

    def ready(self) -> None:
        from kernel import notify
        from projects.services.directory import CHANNEL
        from realtime import hub, layers, subscribers

        notify.listen(layers.NOTIFY_CHANNEL, layers.hear)
        notify.want(layers.NOTIFY_CHANNEL, layers.is_wanted)
        notify.listen(hub.IDENTITY_CHANNEL, hub.hear_identity)
        notify.listen(CHANNEL, hub.hear_project)
