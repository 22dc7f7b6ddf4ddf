"""The bridge with answers in pieces: each is made once the last one was taken."""

import asyncio
import contextlib
import gc
import threading

from appwrite_clone.bridge import Bridge, Limits
from tests.gateway.exchanges import PATIENCE_SECONDS, Exchange, drive, scope_for, until


def test_a_streamed_answer_is_sent_piece_by_piece_and_closed():
    closed = threading.Event()

    def pieces():
        try:
            yield b"one"
            yield b""
            yield b"two"
        finally:
            closed.set()

    def application(_environ, start_response):
        start_response("200 OK", [])
        return pieces()

    done = drive(application, lambda: Exchange(scope_for()))
    assert [message["body"] for message in done.sent[1:]] == [b"one", b"two", b""]
    assert [message["more_body"] for message in done.sent[1:]] == [True, True, False]
    assert closed.wait(PATIENCE_SECONDS)


def test_a_generator_may_start_its_answer_late():
    def application(_environ, start_response):
        start_response("201 Created", [("X-Late", "yes")])
        yield b"body"

    done = drive(application, lambda: Exchange(scope_for()))
    assert (done.status, done.headers["x-late"], done.body) == (201, "yes", b"body")


def test_the_next_piece_is_not_made_before_the_last_one_was_taken():
    made, taken = [], []

    def pieces():
        for number in range(5):
            made.append(number)
            yield b"x"

    def application(_environ, start_response):
        start_response("200 OK", [])
        return pieces()

    class Slow(Exchange):
        async def send(self, message):
            if message["type"] == "http.response.body":
                await asyncio.sleep(0.01)
                taken.append(len(made))
            await super().send(message)

    drive(application, lambda: Slow(scope_for()))
    assert taken == [1, 2, 3, 4, 5, 5]


def test_a_slow_reader_of_a_stream_holds_no_thread():
    def application(environ, start_response):
        start_response("200 OK", [])
        return iter([b"x"] * 3) if environ["PATH_INFO"] == "/stream" else [b"quick"]

    class Slow(Exchange):
        async def send(self, message):
            await until(lambda: len(quick.sent) == 2)
            await super().send(message)

    quick = Exchange(scope_for())
    slow = [lambda: Slow(scope_for(path="/stream"))] * 4
    limits = Limits(threads=1, stream_threads=1)
    done = drive(application, *slow, lambda: quick, limits=limits)
    assert [len(each.sent) for each in done] == [5] * 4 + [2]


def test_a_client_that_leaves_ends_the_stream():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield b"x"
        finally:
            closed.set()

    def application(_environ, start_response):
        start_response("200 OK", [])
        return endless()

    class Leaves(Exchange):
        async def send(self, message):
            await super().send(message)
            if len(self.sent) == 5:
                self.gone.set()
            await asyncio.sleep(0)

    done = drive(application, lambda: Leaves(scope_for()))
    assert closed.wait(PATIENCE_SECONDS)
    assert len(done.sent) < 20


def test_a_file_is_sent_in_large_pieces(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 200_000)

    def application(environ, start_response):
        start_response("200 OK", [("Content-Length", "200000")])
        return environ["wsgi.file_wrapper"](path.open("rb"), 4096)

    done = drive(application, lambda: Exchange(scope_for()))
    assert done.body == path.read_bytes()
    assert len(done.sent) == 6
    gc.collect()  # an unclosed file would warn here


def test_a_lost_waiter_still_has_its_stream_closed():
    started, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    class Source:
        def __iter__(self):
            return iter([b"x"])

        def close(self):
            closed.set()

    def application(_environ, start_response):
        started.set()
        go_on.wait(PATIENCE_SECONDS)
        start_response("200 OK", [])
        return Source()

    bridge = Bridge(application, limits=Limits(threads=1))

    async def main():
        one = Exchange(scope_for())
        task = asyncio.create_task(bridge(one.scope, one.receive, one.send))
        await asyncio.to_thread(started.wait, PATIENCE_SECONDS)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        go_on.set()
        assert await asyncio.to_thread(closed.wait, PATIENCE_SECONDS)

    asyncio.run(main())
    bridge.stop()
