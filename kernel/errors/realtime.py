"""Errors on sockets; their status is the code a socket closes with."""

from kernel.errors.kind import Kind


class RealtimeErrors:
    REALTIME_MESSAGE_INVALID = Kind(
        "realtime_message_format_invalid",
        1003,
        "The message format is not valid.",
    )
    REALTIME_POLICY_VIOLATION = Kind(
        "realtime_policy_violation",
        1008,
        "The connection breaks a rule of this server.",
    )
    REALTIME_TOO_MANY_MESSAGES = Kind("realtime_too_many_messages", 1013, "Too many messages.")
