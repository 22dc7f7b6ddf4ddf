"""Threads that need something for the first time at the same moment get the same one."""

import threading
from concurrent.futures import ThreadPoolExecutor

from kernel.once import once

THREADS = 8


def test_threads_that_come_together_share_what_the_first_one_makes():
    together = threading.Barrier(THREADS)
    made = []

    @once
    def queue():
        threading.Event().wait(0.05)  # the others come meanwhile
        made.append(object())
        return made[-1]

    def need(_number):
        together.wait()
        return queue()

    with ThreadPoolExecutor(THREADS) as threads:
        assert set(threads.map(need, range(THREADS))) == set(made)
    assert len(made) == 1

    queue.cache_clear()
    assert queue() is made[1]
