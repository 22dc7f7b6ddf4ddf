"""Where addresses are: by the file that is configured, and by the one that takes its place."""

import os
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]  # it has no types

from kernel import geoip
from kernel.geoip import Place, country_name, find

#: Networks that belong to nobody.
IN_GERMANY, IN_JAPAN, NOWHERE_KNOWN = "203.0.113.7", "2001:db8::7", "198.51.100.7"


def write(path: Path, **records: Any) -> None:
    """Write a database: records by network, underscores for dots and dashes for slashes."""
    writer = MMDBWriter(6, "Test-Country", languages=["en"], ipv4_compatible=True)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    fresh = path.with_suffix(".new")
    writer.to_db_file(str(fresh))
    fresh.rename(path)


def country(code: str, continent: str, **more: Any) -> dict[str, Any]:
    return {"country": {"iso_code": code, **more}, "continent": {"code": continent}}


@pytest.fixture
def database(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "countries.mmdb"
    write(
        path,
        **{
            "203.0.113.0/24": country("DE", "EU", is_in_european_union=True),
            "2001:db8::/32": country("JP", "AS"),
        },
    )
    settings.GEOIP_DATABASE = str(path)
    monkeypatch.setattr(geoip, "LOOK_SECONDS", 0.0)
    geoip.forget()
    return path


def test_an_address_is_found(database: Path):
    assert find(IN_GERMANY) == Place("DE", "EU", is_in_european_union=True)
    assert find(IN_JAPAN) == Place("JP", "AS")


@pytest.mark.parametrize("address", [NOWHERE_KNOWN, "", "testclient", "1.2.3", "::1%lo", "\x00"])
def test_others_are_nowhere(database: Path, address: str):
    assert find(address) == Place()


def test_without_a_file_nobody_is_anywhere(database: Path, settings: Any):
    assert find(IN_GERMANY).country_code == "DE"
    settings.GEOIP_DATABASE = ""
    assert find(IN_GERMANY) == Place()


def test_a_file_that_takes_its_place_is_read(database: Path):
    assert find(IN_GERMANY).country_code == "DE"
    write(database, **{"203.0.113.0/24": country("FR", "EU")})
    assert find(IN_GERMANY).country_code == "FR"


def test_a_file_is_looked_at_now_and_then(database: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(geoip, "LOOK_SECONDS", 3600.0)
    assert find(IN_GERMANY).country_code == "DE"
    write(database, **{"203.0.113.0/24": country("FR", "EU")})
    assert find(IN_GERMANY).country_code == "DE"


@pytest.mark.parametrize(
    "spoil", ["cut short", "rubbish", "renamed", "garbled", "empty", "gone", "a folder"]
)
def test_of_a_spoilt_file_the_last_whole_one_stays(
    database: Path, spoil: str, caplog: pytest.LogCaptureFixture
):
    assert find(IN_GERMANY).country_code == "DE"
    whole = database.read_bytes()
    database.unlink()
    if spoil == "a folder":
        database.mkdir()
    elif spoil != "gone":
        contents = {
            "cut short": whole[: len(whole) // 3],
            "rubbish": os.urandom(500),
            "renamed": whole.replace(b"node_count", b"node_kount"),
            "garbled": whole.replace(b"node_count", b"node\xffcount"),
            "empty": b"",
        }
        database.write_bytes(contents[spoil])
    assert find(IN_GERMANY).country_code == "DE"
    assert find(IN_GERMANY).country_code == "DE"
    assert len(caplog.records) == 1  # said once for each file
    with pytest.raises(geoip.NoDatabaseError):
        geoip.probe()


@pytest.mark.parametrize(
    "record", [{}, [], "DE", {"country": "DE"}, {"country": {"iso_code": 7}}, {"country": {}}]
)
def test_records_of_another_make_tell_nothing(database: Path, record: Any):
    write(database, **{"203.0.113.0/24": record})
    assert find(IN_GERMANY) == Place()


@pytest.mark.parametrize(
    ("sound", "damaged"),
    [
        (b"\x42DE", b"\x42D\xff"),  # no text
        (b"\x48iso_code", b"\xe0so_code."),  # a map for the name of a value
        (b"\x48iso_code", b"\x00\xffso_code"),  # of no known type
    ],
)
def test_of_a_damaged_record_nothing_is_told(
    database: Path, sound: bytes, damaged: bytes, caplog: pytest.LogCaptureFixture
):
    whole = database.read_bytes()
    assert sound in whole
    database.write_bytes(whole.replace(sound, damaged))
    assert find(IN_GERMANY) == find(IN_GERMANY) == Place()
    assert find(NOWHERE_KNOWN) == find("testclient") == Place()
    assert len(caplog.records) == 1  # said once for each file
    write(database, **{"203.0.113.0/24": country("FR", "EU")})
    assert find(IN_GERMANY).country_code == "FR"


@pytest.mark.parametrize("code", ["\x00\x00", "D\x00", "ßß", "D ", "DEU"])
def test_what_is_no_code_of_a_country_is_none(database: Path, code: str):
    write(database, **{"203.0.113.0/24": country(code, "EU")})
    assert find(IN_GERMANY) == Place(continent_code="EU")


def test_countries_are_named_in_the_language_of_the_caller():
    assert country_name("DE") == country_name("DE", "xx") == country_name("DE", "-") == "Germany"
    assert (country_name("DE", "fr"), country_name("BR", "pt-br")) == ("Allemagne", "Brasil")
    assert country_name("") == country_name("ZZZ", "de") == "Unknown"
