"""What waits on a file descriptor, asked without letting go of the interpreter.

`select.poll` lets other threads run even where it does not wait. Where many want to, the question
would cost each request two changes of threads.
"""

import ctypes

_READABLE = 0x001  # POLLIN


class _Descriptor(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


_poll = ctypes.PyDLL(None).poll


def has_something_to_read(descriptor: int) -> bool:
    """Tell whether bytes, or the end, have come on a connection."""
    asked = _Descriptor(descriptor, _READABLE)
    return bool(_poll(ctypes.byref(asked), 1, 0))
