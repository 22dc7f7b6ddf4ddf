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


def test_user_who_was_here_is_not_deleted(
    import_firebase, project, client_for, make_key, tmp_path, hash_config
):
    came = [with_password("ada"), user("bob"), user("eve")]
    users = write_users(tmp_path / "users.json", came)
    import_firebase("--users", users, "--hash-config", hash_config)
    login = {"email": "ada@example.com", "password": PASSWORD}
    assert client_for(project).post("/account/sessions/email", login).status == 201
    server = client_for(project, key=make_key(project, ["teams.write"]))
    assert server.post("/teams", {"teamId": "team", "name": "Team"}).status == 201
    member = {"userId": "bob", "roles": ["owner"], "url": "http://localhost"}
    assert server.post("/teams/team/memberships", member).status == 201
    users = write_users(tmp_path / "users.json", [user("zoe")])
    changes = import_firebase("--users", users, "--delete-gone").outcome["changes"]["users"]
    assert (changes["kept"], changes["deleted"]) == (2, 1)
    left = User.objects.filter(deleted_at=None, project_id=project.id)
    assert set(left.values_list("uid", flat=True)) == {"ada", "bob", "zoe"}
