"""The dialogs of the console in a real browser: they open, complain, and do what they say."""

from appwrite.client import Client
from appwrite.id import ID
from appwrite.services.tables_db import TablesDB
from playwright.sync_api import Page

from tests.compat import sdk
from tests.compat.test_console_pages import page, sign_in

__all__ = ["page"]  # a fixture


def open_dialog(page: Page, menu: str, entry: str) -> None:
    page.locator("li > a", has_text=menu).first.click()
    page.locator("a:visible", has_text=entry).first.click()
    page.wait_for_selector("#dialog-form")


def test_an_attribute_is_added_and_deleted_in_dialogs(page: Page, key: Client):
    tables, place = TablesDB(key), (ID.unique(), "notes")
    tables.create(place[0], "Made for one test")
    tables.create_table(*place, "Dialogs")
    sign_in(page)
    page.goto("/console/documents/collection/")
    page.get_by_role("link", name="Dialogs").first.click()
    open_dialog(page, "Attributes", "Add attribute")
    page.fill("#dialog-form [name=key]", "title")
    page.select_option("#dialog-form [name=type]", "string")
    page.click("#dialog button[type=submit]")
    refusal = page.wait_for_selector("#dialog-form li")
    assert refusal is not None
    assert refusal.inner_text() == 'Param "size" is not optional.'
    page.fill("#dialog-form [name=size]", "100")
    with page.expect_navigation():
        page.click("#dialog button[type=submit]")
    assert "title: string" in page.content()
    sdk.wait_until(lambda: sdk.status(tables.get_column(*place, "title")) == "available")
    open_dialog(page, "Attributes", "Delete attribute")
    page.select_option("#dialog-form [name=key]", "title")
    with page.expect_navigation():
        page.click("#dialog button[type=submit]")
    sdk.wait_until(lambda: tables.list_columns(*place).total == 0)
