"""What the C library is asked for so that memory does not creep up."""

import ctypes
import os

#: Of glibc's `malloc.h`.
M_ARENA_MAX = -8
#: Threads of ours hold the interpreter while they allocate, so hardly two of them do at a time.
ARENAS = 2
VARIABLE = "MALLOC_ARENA_MAX"


def share_arenas() -> bool:
    """Have all threads allocate from a few arenas; tell whether the C library knows how.

    It gives each thread one of its own, and the free room within one is of use to no other: all of
    them together grow for hours. What the operator has set counts.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if VARIABLE in os.environ or mallopt is None:  # another C library than glibc
        return False
    return bool(mallopt(M_ARENA_MAX, ARENAS))
