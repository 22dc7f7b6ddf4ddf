"""User agents as the parts of a session."""

import pytest
import ua_parser

from accounts.devices import Device, describe, load_patterns

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) AppleWebKit/605.1.15"
IPAD = "Mozilla/5.0 (iPad; CPU OS 16_5 like Mac OS X) AppleWebKit/605.1.15"


@pytest.mark.parametrize(
    ("agent", "os_code", "client_code", "client_version", "engine", "device"),
    [
        (f"{WINDOWS} Chrome/120.0.0.0 Safari/537.36", "WIN", "CH", "120.0", "Blink", "desktop"),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
            "LIN", "FF", "121.0", "Gecko", "desktop",
        ),
        (
            f"{IPHONE} (KHTML, like Gecko) Version/16.5 Mobile/15E148 Safari/604.1",
            "IOS", "MF", "16.5", "WebKit", "smartphone",
        ),
        (
            f"{IPAD} (KHTML, like Gecko) Version/16.5 Mobile/15E148 Safari/604.1",
            "IOS", "MF", "16.5", "WebKit", "tablet",
        ),
    ],
)  # fmt: skip
def test_browsers_are_recognised(agent, os_code, client_code, client_version, engine, device):
    found = describe(agent)
    assert (found.os_code, found.client_code, found.client_type) == (
        os_code,
        client_code,
        "browser",
    )
    assert (found.client_version, found.client_engine) == (client_version, engine)
    assert found.device_name == device


def test_phone_has_brand_and_model():
    found = describe(f"{IPHONE} (KHTML, like Gecko) Version/16.5 Mobile/15E148 Safari/604.1")
    assert (found.device_brand, found.device_model) == ("Apple", "iPhone")


@pytest.mark.parametrize("agent", ["", "curl/8.0", "\x00\uffff" * 100, "(" * 512])
def test_anything_else_leaves_parts_empty(agent):
    found = describe(agent)
    assert isinstance(found, Device)
    assert found.client_type == ""


def test_patterns_are_there_before_the_first_agent(monkeypatch):
    monkeypatch.delattr(ua_parser, "parser", raising=False)
    load_patterns()
    assert "parser" in vars(ua_parser)
