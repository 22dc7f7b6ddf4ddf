"""One real server for all of these tests, and the official SDKs pointed at it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from appwrite.client import Client
from appwrite.id import ID
from appwrite.services.tables_db import TablesDB
from playwright.sync_api import Browser

from tests.compat import sdk
from tests.compat.browser import App, Site, running_browser, running_site
from tests.compat.live import PAGE_HOST, Installation
from tests.compat.sharing import shared_installation

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            for marker in (pytest.mark.compat, pytest.mark.real, pytest.mark.slow):
                item.add_marker(marker)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The installation that all processes of this test run share."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with shared_installation(folder) as installation:
        yield installation


@pytest.fixture(scope="session")
def key(server: Installation) -> Client:
    """A client with the API key: code on the app's own server."""
    return sdk.key_client(server)


@pytest.fixture
def guest(server: Installation) -> Client:
    return sdk.guest_client(server)


@pytest.fixture
def sign_up(key: Client) -> Callable[[], sdk.Person]:
    """Make a user with a session, by the key: unlike a guest it is not limited in number."""
    return lambda: sdk.sign_up(key)


@pytest.fixture
def alice(sign_up: Callable[[], sdk.Person]) -> sdk.Person:
    return sign_up()


@pytest.fixture
def bob(sign_up: Callable[[], sdk.Person]) -> sdk.Person:
    return sign_up()


@pytest.fixture
def database(key: Client) -> Iterator[str]:
    """A database of the test's own."""
    database_id = ID.unique()
    TablesDB(key).create(database_id, "Made for one test")
    yield database_id
    TablesDB(key).delete(database_id)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # No longer than a module: as long as it lives, this thread has a running event loop.
    with running_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site() as pages:
        yield pages


@pytest.fixture
def open_app(browser: Browser, site: Site, server: Installation) -> Iterator[Callable[..., App]]:
    """Open the app in a browser profile of its own: `page` and `api` are the host names."""
    contexts = []

    def opened(*, page: str = PAGE_HOST, api: str = "127.0.0.1") -> App:
        contexts.append(browser.new_context())
        return App(contexts[-1], site, server, page=page, api=api)

    yield opened
    for context in contexts:
        context.close()
