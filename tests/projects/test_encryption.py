"""Encryption at rest: one project's key for one purpose opens what it sealed, and nothing else."""

import pytest

from projects import signing
from projects.encryption import DecryptionError, decrypt, encrypt

pytestmark = pytest.mark.django_db


def sealed(text="secret", **more):
    return encrypt(text, **{"project_id": 1, "purpose": "documents", "bound_to": "a/b", **more})


def opened(text, **more):
    return decrypt(text, **{"project_id": 1, "purpose": "documents", "bound_to": "a/b", **more})


@pytest.mark.parametrize("text", ["", "secret", "mot de passe: été", "\U0001f511" * 1000])
def test_text_comes_back(text):
    assert opened(sealed(text)) == text


def test_the_same_text_is_never_encrypted_alike():
    assert sealed() != sealed()


def test_text_says_its_key_and_its_length_but_not_itself():
    kid, length, body = sealed("hidden").split(":")

    assert kid == signing.newest_key("1", "documents")[0]
    assert length == "6"
    assert "hidden" not in body


@pytest.mark.parametrize("more", [{"project_id": 2}, {"purpose": "mail"}, {"bound_to": "a/c"}])
def test_text_of_another_place_is_refused(more):
    with pytest.raises(DecryptionError):
        opened(sealed(), **more)


def test_changed_text_is_refused():
    text = sealed()
    kid, length, body = text.split(":")
    other = "A" if body[20] != "A" else "B"
    for changed in (
        f"{kid}:7:{body}",
        f"unknown:{length}:{body}",
        f"{kid}:{length}:{body[:20]}{other}{body[21:]}",
        f"{kid}:{length}:{body[:8]}",
        f"{kid}:{length}:not base64!",
        f"{kid}:{length}:",
        "",
    ):
        with pytest.raises(DecryptionError):
            opened(changed)


def test_what_an_older_key_encrypted_stays_readable():
    text = sealed()

    kid = signing.rotate()

    assert opened(text) == "secret"
    assert sealed().startswith(f"{kid}:")


def test_another_master_secret_opens_nothing(settings):
    text = sealed()
    settings.SECRET_KEY = "another-secret-another-secret-another-secret"
    signing._derive.cache_clear()

    with pytest.raises(DecryptionError):
        opened(text)

    signing._derive.cache_clear()
