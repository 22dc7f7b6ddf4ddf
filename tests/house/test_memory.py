"""The room that threads allocate from is shared where the C library allows it."""

import os
import platform
import subprocess
import sys

import pytest

from appwrite_clone import memory

# Arenas are counted by what glibc itself tells of them.
COUNT = """
import ctypes, threading
from appwrite_clone.memory import share_arenas
share_arenas()
libc = ctypes.CDLL(None)
libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
together, last = threading.Barrier(9), threading.Barrier(9)
def allocate():
    together.wait()
    kept = [libc.malloc(2000) for _ in range(50)]
    last.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
for each in threads: each.start()
together.wait()
last.wait()
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.malloc_info(0, libc.fopen(b"/dev/stdout", b"w"))
libc.fflush(None)
"""


def arenas(**variables):
    done = subprocess.run(
        [sys.executable, "-c", COUNT],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_threads_share_few_arenas_unless_the_operator_says_otherwise():
    assert arenas() <= memory.ARENAS
    assert arenas(MALLOC_ARENA_MAX="8") > memory.ARENAS


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", lambda _name: object())
    assert not memory.share_arenas()
