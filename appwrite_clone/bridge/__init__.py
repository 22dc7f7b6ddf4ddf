"""The bridge: Django's synchronous WSGI core under an ASGI server, on a few threads."""

from appwrite_clone.bridge.application import Bridge
from appwrite_clone.bridge.limits import Limits

__all__ = ["Bridge", "Limits"]
