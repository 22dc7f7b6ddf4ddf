"""Realtime subscriptions for the official Appwrite SDK for Python."""

from .errors import RealtimeError
from .frames import Event
from .realtime import Realtime
from .subscription import Subscription
from .timing import Timing

__all__ = ["Event", "Realtime", "RealtimeError", "Subscription", "Timing"]
