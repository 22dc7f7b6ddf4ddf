"""URLs and IP addresses: which texts are some."""

import pytest

from kernel.addresses import ip, subscriber, url


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com",
        "http://localhost:8080/path?query=1#part",
        "https://user:word@sub.example.co.uk/a%20b",
        "http://127.0.0.1/",
        "http://[::1]:80/",
        "ftp://files.example",
        "app+own://screen",
        "mailto:someone@example.com",
        "HTTPS://EXAMPLE.COM",
    ],
)
def test_urls_are_taken_as_they_are(text):
    assert url(text) == text


@pytest.mark.parametrize(
    "value",
    [
        "",
        "example",
        "example.com",
        "//example.com",
        "http://",
        "http:///path",
        "https:example.com",
        "http://exa mple.com",
        "http://ex\nample.com",
        "http://-example.com",
        "http://example..com",
        "http://example.com:port",
        "http://example.com:70000",
        "http://[::1",
        "http://[v1.x]/",
        "http://ümlaut.example",
        "http://" + "a" * 64 + ".example",
        "mailto:",
        "1http://example.com",
        None,
        5,
        ["http://example.com"],
    ],
)
def test_what_is_no_url_is_refused(value):
    with pytest.raises(ValueError, match="Value must be a valid URL"):
        url(value)


@pytest.mark.parametrize("text", ["127.0.0.1", "0.0.0.0", "::1", "2001:db8::8a2e:370:7334"])
def test_addresses_are_taken_as_they_are(text):
    assert ip(text) == text


@pytest.mark.parametrize(
    "value", ["", "localhost", "1.2.3", "1.2.3.256", "01.2.3.4", "fe80::1%eth0", "::1/64", 1, None]
)
def test_what_is_no_address_is_refused(value):
    with pytest.raises(ValueError, match="Value must be a valid IP address"):
        ip(value)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("", ""),
    ],
)
def test_addresses_of_one_subscriber_count_as_one(address, counted):
    assert subscriber(address) == counted
