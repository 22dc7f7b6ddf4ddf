"""The console's passkeys in a real browser, whose device is Chromium's virtual authenticator."""

from playwright.sync_api import Browser

from tests.compat.browser import WAIT_MILLISECONDS
from tests.compat.live import ADMIN_EMAIL, ADMIN_PASSWORD, Installation
from tests.compat.test_console_pages import REPORT
from tests.compat.test_passkeys import DEVICE


def test_console_user_adds_a_passkey_and_signs_in_by_it(browser: Browser, server: Installation):
    context = browser.new_context(base_url=f"http://localhost:{server.port}")
    context.add_init_script(REPORT)
    page = context.new_page()
    page.set_default_timeout(WAIT_MILLISECONDS)
    problems: list[str] = []
    page.on("console", lambda each: problems.append(each.text) if each.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    device = devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    page.goto("/console/login/")
    page.fill("input[name=username]", ADMIN_EMAIL)
    page.fill("input[name=password]", ADMIN_PASSWORD)
    page.click("#login-form [type=submit]")
    page.wait_for_url("**/console/")

    page.goto("/console/passkeys/")
    page.fill("input[name=passkey_name]", "Laptop")
    page.click("button[name=passkey]")
    page.wait_for_selector("text=Laptop, added")
    context.clear_cookies()
    page.goto("/console/login/?next=/console/passkeys/")
    page.click("button[name=passkey]")
    page.wait_for_selector("text=Laptop, added")
    page.click("button[name=remove]")
    page.wait_for_selector("text=The passkey is removed.")
    devices.send("WebAuthn.setUserVerified", device | {"isUserVerified": False})
    context.clear_cookies()
    page.goto("/console/login/")
    page.click("button[name=passkey]")
    page.wait_for_selector("text=No passkey was used.")
    context.close()

    assert problems == []
