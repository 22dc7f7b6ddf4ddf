"""The synchronous core alone, for a WSGI server; sockets then have a server of their own."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "appwrite_clone.settings")

from appwrite_clone import celery  # noqa: F401 - jobs find their broker through the current app
from gateway.wsgi import get_application

application = get_application()
