"""The console in a real browser: its pages work under the content policy they are sent with."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.compat.browser import POLL_MILLISECONDS, WAIT_MILLISECONDS
from tests.compat.live import ADMIN_EMAIL, ADMIN_PASSWORD, Installation

PAGES = [
    "",
    "projects/project/",
    "projects/project/add/",
    "projects/key/add/",
    "accounts/user/",
    "accounts/user/add/",
    "documents/collection/",
    "documents/collection/add/",
    "documents/document/add/",
    "password_change/",
]
# Written to the console, where scripts of the page cannot take it back.
REPORT = """
document.addEventListener("securitypolicyviolation", event => {
  console.error("violation: " + event.violatedDirective + " " + event.blockedURI
    + " " + event.sourceFile + ":" + event.lineNumber);
});
"""


@pytest.fixture
def page(browser: Browser, server: Installation) -> Iterator[Page]:
    """A page of the administrator's browser, signed in to the console."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{server.port}")
    context.add_init_script(REPORT)
    page = context.new_page()
    page.set_default_timeout(WAIT_MILLISECONDS)
    yield page
    context.close()


def sign_in(page: Page) -> None:
    page.goto("/console/login/")
    page.fill("input[name=username]", ADMIN_EMAIL)
    page.fill("input[name=password]", ADMIN_PASSWORD)
    page.click("[type=submit]")
    page.wait_for_url("**/console/")


def test_no_page_breaks_its_content_policy(page: Page):
    problems: list[str] = []
    page.on("console", lambda each: problems.append(each.text) if each.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    sign_in(page)
    for path in PAGES:
        answer = page.goto(f"/console/{path}", wait_until="networkidle")
        assert answer is not None
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        is_alive = page.evaluate("() => Boolean(window.Alpine && document.body._x_dataStack)")
        assert is_alive, path
    assert problems == []


def test_the_policy_stops_scripts_that_are_not_ours(page: Page, server: Installation):
    blocked: list[str] = []
    page.on("console", lambda each: blocked.append(each.text) if "violation" in each.text else None)
    sign_in(page)
    page.evaluate(
        """() => {
          const inline = document.createElement("script");
          inline.textContent = "window.broken = 1";
          const foreign = document.createElement("script");
          foreign.src = location.origin + "/v1/ping";
          const image = document.createElement("img");
          image.src = "http://evil.localhost/pixel";
          document.body.append(inline, foreign, image);
          document.body.insertAdjacentHTML("beforeend", '<a id="x" onclick="window.broken = 2">');
          document.getElementById("x").click();
        }"""
    )
    for told in ("script-src-elem", "script-src-attr", "img-src", "/v1/ping"):
        _wait_until_told(page, blocked, told)
    assert page.evaluate("window.broken") is None


def _wait_until_told(page: Page, blocked: list[str], told: str) -> None:
    deadline = time.monotonic() + WAIT_MILLISECONDS / 1000
    while not any(told in each for each in blocked):
        assert time.monotonic() < deadline, (told, blocked)
        page.wait_for_timeout(POLL_MILLISECONDS)


def test_the_sessions_cookie_is_out_of_reach_of_scripts(page: Page):
    sign_in(page)
    cookies = {each["name"]: each for each in page.context.cookies()}
    assert cookies["console_session"]["httpOnly"]
    assert cookies["console_session"]["sameSite"] == "Lax"
    assert page.evaluate("document.cookie") == ""
