"""The country of a session: from the address it was opened by, told in the caller's language."""

import pytest

from accounts.models import Session
from accounts.services import create_email_password_session
from kernel import geoip
from kernel.caller import Caller
from kernel.scopes import GUEST_SCOPES
from projects.services import find_project
from tests.accounts.mailbox import newest_text
from tests.accounts.policies import set_policy
from tests.conftest import PASSWORD
from tests.kernel.test_geoip import IN_GERMANY, database
from tests.reference import assert_model

__all__ = ["database"]  # a fixture

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def sign_in(project, person, ip):
    guest = Caller(project=project, scopes=GUEST_SCOPES, ip=ip)
    return create_email_password_session(caller=guest, email=person.email, password=PASSWORD)


def test_a_session_has_the_country_it_came_from(database, project, client_for, alice):
    opened = sign_in(project, alice, IN_GERMANY)
    me = client_for(project, session=opened.packed_secret)
    shown = me.get("/account/sessions/current").json
    assert_model("Session", shown)
    assert (shown["countryCode"], shown["countryName"]) == ("DE", "Germany")
    listed = me.get("/account/sessions", X_Appwrite_Locale="fr").json["sessions"]
    assert [each["countryName"] for each in listed] == ["Unknown", "Allemagne"]
    assert listed[0]["countryCode"] == "--"


def test_reading_a_session_looks_nothing_up(database, project, client_for, alice, monkeypatch):
    me = client_for(project, session=sign_in(project, alice, IN_GERMANY).packed_secret)
    monkeypatch.setattr(geoip, "find", lambda _: pytest.fail("looked up"))
    assert me.get("/account/sessions/current").json["countryCode"] == "DE"
    assert me.patch("/account/sessions/current").json["countryCode"] == "DE"


def test_without_a_database_there_is_no_country(project, client_for, alice):
    me = client_for(project, session=sign_in(project, alice, IN_GERMANY).packed_secret)
    shown = me.get("/account/sessions/current").json
    assert (shown["countryCode"], shown["countryName"]) == ("--", "Unknown")


@pytest.mark.parametrize("damaged", [b"\x42D\xff", b"\x42D\x00"])
def test_a_damaged_database_keeps_nobody_out(database, project, client_for, alice, damaged):
    database.write_bytes(database.read_bytes().replace(b"\x42DE", damaged))
    me = client_for(project, session=sign_in(project, alice, IN_GERMANY).packed_secret)
    assert me.get("/account/sessions/current").json["countryCode"] == "--"


def test_news_of_a_session_tell_its_country(database, project, alice, events):
    events.clear()
    sign_in(project, alice, IN_GERMANY)
    assert events.payloads()[-1]["countryCode"] == "DE"
    assert Session.objects.order_by("id").values_list("country_code", flat=True)[1] == "DE"


def test_an_alert_tells_the_country(database, project, alice):
    set_policy(project, "session-alert", enabled=True)
    project = find_project(project.uid)
    sign_in(project, alice, IN_GERMANY)
    assert f"Address: {IN_GERMANY} (Germany)" in newest_text(alice.email)
    sign_in(project, alice, "198.51.100.7")
    assert "Address: 198.51.100.7\n" in newest_text(alice.email)
