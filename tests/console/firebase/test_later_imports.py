"""Later imports of the same project: what one of them saw or did not read harms nobody."""

import pytest

from accounts.models import User
from console.firebase import checkpoints, runs
from tests.console.firebase.exports import PASSWORD, user, with_password, write_users

pytestmark = [pytest.mark.db, pytest.mark.django_db]


class _KilledError(Exception):
    pass


def test_import_that_goes_on_after_another_one_deletes_nobody(
    import_firebase, project, tmp_path, monkeypatch
):
    monkeypatch.setattr(runs, "USERS_AT_ONCE", 3)
    users = write_users(tmp_path / "users.json", [user(f"u{number}") for number in range(6)])
    import_firebase("--users", users)
    save, saved = checkpoints.Checkpoint.save, []

    def die_later(checkpoint):
        save(checkpoint)
        saved.append(checkpoint)
        if len(saved) == 2:
            raise _KilledError

    with monkeypatch.context() as dying:
        dying.setattr(checkpoints.Checkpoint, "save", die_later)
        with pytest.raises(_KilledError):
            import_firebase("--users", users, "--delete-gone")
    import_firebase("--users", users, "--update")
    import_firebase("--users", users, "--delete-gone")
    assert User.objects.filter(deleted_at=None).count() == 6


def test_passwords_that_are_not_read_stay(
    import_firebase, project, client_for, tmp_path, hash_config
):
    users = write_users(tmp_path / "users.json", [with_password("ada")])
    import_firebase("--users", users, "--hash-config", hash_config)
    import_firebase("--users", users, "--without-passwords", "--update")
    login = {"email": "ada@example.com", "password": PASSWORD}
    assert client_for(project).post("/account/sessions/email", login).status == 201
