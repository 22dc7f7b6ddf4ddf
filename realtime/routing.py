"""The one path of the websocket interface."""

from typing import Any

from django.urls import path, re_path

from realtime.consumers import RealtimeConsumer, refuse_path

_consumer: Any = RealtimeConsumer.as_asgi()
_elsewhere: Any = refuse_path

websocket_urlpatterns = [
    path("v1/realtime", _consumer),
    path("v1/realtime/", _consumer),
    re_path(r"", _elsewhere),
]
