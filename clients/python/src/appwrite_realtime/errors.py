"""The one exception this package raises on purpose."""

POLICY_VIOLATION = 1008  # final: the server does not want this connection
MESSAGE_INVALID = 1003  # one frame was refused, the connection lives on


class RealtimeError(Exception):
    """Something the server refused, or a subscription that could not be confirmed in time.

    `code` is the code of the server's error frame or close frame, or `None` where there is none.
    """

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
