"""One ASGI application: websockets to Channels, HTTP to Django's synchronous core."""

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "appwrite_clone.settings")

from importlib import import_module
from typing import Any

from channels.routing import URLRouter
from django.conf import settings
from django.db import connections

from appwrite_clone.bridge import Bridge
from appwrite_clone.bridge.asgi_types import Receive, Scope, Send
from appwrite_clone.memory import share_arenas
from gateway.wsgi import get_application
from kernel import notify

# Requests leave few cycles behind; by Python's own 700 every list of documents looks for them.
GARBAGE_THRESHOLD = 20_000

share_arenas()  # before there are threads
wsgi = get_application()  # sets Django up, which everything below needs

#: Where passwords are hashed, which takes a hundred times as long as most requests.
PASSWORD_PATHS = (
    *("/v1/account", "/v1/users"),
    *("/console/login/", "/console/setup/", "/console/password_change/"),
)
#: Where a PATCH hashes none, and may wait for a provider: no sign-in is to wait for that.
SESSIONS_PATH = "/v1/account/sessions/"


def may_hash(scope: Scope) -> bool:
    method, path = scope["method"], scope["path"]
    if method == "PATCH" and path.startswith(SESSIONS_PATH):
        return False
    return method in ("POST", "PUT", "PATCH") and path.startswith(PASSWORD_PATHS)


http = Bridge(
    wsgi,
    version=settings.APPWRITE_VERSION,
    on_thread_exit=connections.close_all,
    refusal_headers=import_module("projects.middleware").headers_unread,
    is_slow=may_hash,
)
sockets: Any = None
if "realtime" in settings.SERVICES:
    sockets = URLRouter(import_module("realtime.routing").websocket_urlpatterns)
import_module(settings.ROOT_URLCONF)  # so that the first request does not wait for it


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    match scope["type"]:
        case "http":
            await http(scope, receive, send)
        case "websocket":
            await (sockets or _refuse)(scope, receive, send)
        case "lifespan":
            await _live(receive, send)


async def _refuse(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Turn a socket away that belongs to another process."""
    await send({"type": "websocket.close", "code": 1008})


async def _live(receive: Receive, send: Send) -> None:
    """Answer the server's start and stop; at the stop the request threads finish their work."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            notify.start()
            notify.start_sending()
            gc.freeze()  # looking for garbage then passes over all that is here to stay
            gc.set_threshold(GARBAGE_THRESHOLD)
            await send({"type": "lifespan.startup.complete"})
        else:
            http.stop()
            notify.stop_sending()
            await send({"type": "lifespan.shutdown.complete"})
            return
