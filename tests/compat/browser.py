"""A headless Chromium, and the small site whose pages it opens."""

import functools
import http.server
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, sync_playwright

from tests.compat.live import PROJECT, Installation
from tests.compat.parts import BROWSERS, COMPAT, program, web_sdk

WAIT_MILLISECONDS = 60_000
POLL_MILLISECONDS = 20
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Site:
    """The pages of an app, to be opened under any host name of this machine."""

    port: int

    def url(self, host: str) -> str:
        return f"http://{host}:{self.port}"


@contextmanager
def running_site() -> Iterator[Site]:
    """Serve the page and the official SDK's own file."""
    pages = functools.partial(Pages, sdk=web_sdk())
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), pages) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield Site(port=server.server_port)
        finally:
            server.shutdown()
            thread.join()


class Pages(http.server.SimpleHTTPRequestHandler):
    """`/index.html` and `/app.js` of this folder, `/sdk.js` of the SDK, and nothing else."""

    # A browser holds connections open in reserve; each answer ends its own.
    protocol_version = "HTTP/1.0"

    def __init__(self, *arguments: Any, sdk: Path) -> None:
        self.files = {
            "/": COMPAT / "web" / "index.html",
            "/app.js": COMPAT / "web" / "app.js",
            "/sdk.js": sdk / "sdk.js",
        }
        super().__init__(*arguments)

    def translate_path(self, path: str) -> str:
        return str(self.files.get(path, COMPAT / "web" / "absent"))

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start the system's Chromium, with nothing that reaches out by itself."""
    executable = program(*BROWSERS)
    arguments = [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=arguments, timeout=WAIT_MILLISECONDS
        )
        try:
            yield browser
        finally:
            browser.close()


class App:
    """The app in one browser profile: calls of `web/app.js`, seen from Python."""

    def __init__(
        self, context: BrowserContext, site: Site, server: Installation, *, page: str, api: str
    ) -> None:
        self.context = context
        self.server = server
        self.messages: list[str] = []
        self.frames: list[dict[str, Any]] = []
        self.sockets_ended = 0
        self._address = site.url(page)
        self._endpoint = f"http://{api}:{server.port}/v1"
        self.page = self._open()

    def _open(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(WAIT_MILLISECONDS)
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("websocket", self._listen)
        page.goto(self._address)
        page.evaluate("([endpoint, project]) => app.connect(endpoint, project)", self._connection())
        return page

    def _connection(self) -> list[str]:
        return [self._endpoint, PROJECT]

    def reload(self) -> None:
        """Come back as after closing the tab: only what the browser keeps is left."""
        self.page.close()
        self.page = self._open()

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a function of the app.

        Raises: AppError with what the SDK threw.
        """
        answer = self.page.evaluate(
            "([name, given]) => app.attempt(name, given)", [name, list(arguments)]
        )
        if "error" in answer:
            raise AppError(answer["error"])
        return answer["value"]

    def sign_in_with(self, provider: str) -> None:
        """Go to a provider and come back to the page, which is then a new one."""
        home = f"{self._address}/#in"
        self.call("signInWith", provider, home)
        self.page.wait_for_url(home)
        self.page.reload()
        self.page.evaluate(
            "([endpoint, project]) => app.connect(endpoint, project)", self._connection()
        )

    def watch(self, name: str, *arguments: Any) -> None:
        """Subscribe by a function of the app, and wait until the server has confirmed.

        The SDK does not wait: what happens before would be missed.
        """
        known = len(self._confirmations())
        self.call(name, *arguments)
        self.wait_until(lambda: len(self._confirmations()) > known)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_MILLISECONDS / 1000
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"frames: {self.frames}, console: {self.messages}")
            self.page.wait_for_timeout(POLL_MILLISECONDS)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda text: self.frames.append(json.loads(text)))
        socket.on("close", self._note_end)

    def _note_end(self, _socket: WebSocket) -> None:
        self.sockets_ended += 1

    def _confirmations(self) -> list[dict[str, Any]]:
        answers = [frame["data"] for frame in self.frames if frame["type"] == "response"]
        return [answer for answer in answers if answer["to"] == "subscribe"]

    def wait_for_events(self, name: str, count: int) -> list[dict[str, Any]]:
        """Return the events a subscription has received, once they are so many."""
        self.page.wait_for_function(
            "([name, count]) => app.events(name).length >= count",
            arg=[name, count],
            timeout=WAIT_MILLISECONDS,
        )
        return self.events(name)

    def events(self, name: str) -> list[dict[str, Any]]:
        received: list[dict[str, Any]] = json.loads(self.call("eventsAsText", name))
        return received

    def cookies(self) -> dict[str, Any]:
        """Return the cookies the browser would send to the server, scripts or not."""
        return {cookie["name"]: cookie for cookie in self.context.cookies(self._endpoint)}

    def kept_in_storage(self) -> str | None:
        """Return what the SDK keeps where cookies do not work."""
        kept: str | None = self.page.evaluate("() => localStorage.getItem('cookieFallback')")
        return kept


class AppError(Exception):
    """What the SDK threw: `type` and `code` are the server's."""

    def __init__(self, error: dict[str, Any]) -> None:
        self.type = error.get("type")
        self.code = error.get("code")
        super().__init__(f"{error.get('name')}: {error.get('message')} ({self.type}, {self.code})")
