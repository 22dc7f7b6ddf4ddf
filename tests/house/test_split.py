"""What a process may be told about its share of a split installation."""

import pytest

from appwrite_clone import split
from appwrite_clone.env import BadSetting

DOCUMENTS = "documents=http://10.0.0.5:5000"


@pytest.fixture
def read(monkeypatch):
    def with_environment(**variables):
        for name in ("SERVICES", "SERVICE_URLS", "IDENTITY"):
            monkeypatch.setenv(name, variables.get(name, ""))
        return split.read()

    return with_environment


def test_alone_a_process_mounts_everything(read):
    assert read() == split.Split(frozenset(split.SERVICES), {}, needs_identity=False)


def test_a_gateway_mounts_what_it_does_not_forward(read):
    share = read(SERVICE_URLS=f"{DOCUMENTS}/, accounts=https://accounts.internal")
    assert share.mounted == {"projects", "realtime", "console"}
    assert share.urls == {
        "documents": "http://10.0.0.5:5000",
        "accounts": "https://accounts.internal",
    }


def test_a_service_mounts_what_it_is_told(read):
    share = read(SERVICES="documents, accounts", IDENTITY="required")
    assert share == split.Split(frozenset({"documents", "accounts"}), {}, needs_identity=True)


@pytest.mark.parametrize(
    ("variables", "named", "problem"),
    [
        ({"SERVICES": "document"}, "SERVICES", "'document' is not one of"),
        ({"SERVICE_URLS": "realtime=http://h:1"}, "SERVICE_URLS", "cannot be forwarded"),
        ({"SERVICE_URLS": "console=http://h:1"}, "SERVICE_URLS", "cannot be forwarded"),
        ({"SERVICE_URLS": "documents"}, "SERVICE_URLS", "does not look like"),
        ({"SERVICE_URLS": "documents=10.0.0.5:5000"}, "SERVICE_URLS", "does not look like"),
        ({"SERVICE_URLS": "documents=http://h/v1"}, "SERVICE_URLS", "does not look like"),
        ({"SERVICE_URLS": "documents=http://u:p@h"}, "SERVICE_URLS", "does not look like"),
        ({"SERVICE_URLS": "documents=http://h:99999"}, "SERVICE_URLS", "does not look like"),
        ({"SERVICE_URLS": "documents=http://[x"}, "SERVICE_URLS", "does not look like"),
        ({"SERVICES": "documents", "SERVICE_URLS": DOCUMENTS}, "SERVICE_URLS", "mounted here"),
        ({"IDENTITY": "maybe"}, "IDENTITY", "is not one of"),
        ({"IDENTITY": "required"}, "IDENTITY", "takes clients itself"),
        ({"IDENTITY": "required", "SERVICES": "realtime"}, "IDENTITY", "takes clients itself"),
        (
            {"IDENTITY": "required", "SERVICES": "accounts", "SERVICE_URLS": DOCUMENTS},
            "IDENTITY",
            "is no service",
        ),
    ],
)
def test_contradictions_stop_the_start(read, variables, named, problem):
    with pytest.raises(BadSetting) as stopped:
        read(**variables)
    assert str(stopped.value).startswith(f"{named}: ")
    assert problem in str(stopped.value)
