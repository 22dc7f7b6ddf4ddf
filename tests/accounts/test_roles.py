"""Roles as groups, and who is in them."""

from accounts import roles
from accounts.models import Membership, Team, User


def user_of(project, uid):
    return User.objects.create(project_id=project.id, uid=uid, login=f"{project.id}:{uid}")


def group_roles(user):
    return sorted(user.groups.values_list("role__role", flat=True))


def test_a_role_has_one_group_per_project(project, other_project):
    first = roles.role_group_ids(project.id, ["any", "user:a", "any"])
    roles.forget_groups()
    assert roles.role_group_ids(project.id, ["any", "user:a", "any"]) == first
    assert first[0] == first[2] != first[1]
    assert set(roles.role_group_ids(other_project.id, ["any", "user:a"])).isdisjoint(first)


def test_known_groups_cost_no_statement(project, statements):
    roles.role_group_ids(project.id, ["any", "users"])
    with statements() as seen:
        roles.role_group_ids(project.id, ["users", "any"])
    assert seen == []


def test_a_long_role_has_a_group_named_by_its_digest(project):
    role = f"team:{'t' * 36}/{'r' * 81}é"
    assert len(roles.group_name(2**62, f"team:{'t' * 36}/{'r' * 81}{'x' * 20}")) == 64
    assert roles.role_group_ids(project.id, [role]) == roles.role_group_ids(project.id, [role])


def test_users_and_members_are_in_the_groups_of_their_roles(project):
    ann = user_of(project, "ann")
    roles.role_group_ids(project.id, ["user:ann", "user:late", "team:t", "team:t/dev", "member:m"])
    late = user_of(project, "late")
    assert group_roles(ann) == ["user:ann"]
    assert group_roles(late) == ["user:late"]

    team = Team.objects.create(project_id=project.id, uid="t", name="T")
    member = Membership.objects.create(
        project_id=project.id, team=team, user=ann, uid="m", roles=["dev"], is_confirmed=False
    )
    assert group_roles(ann) == ["user:ann"]
    member.is_confirmed = True
    member.save()
    assert group_roles(ann) == ["member:m", "team:t", "team:t/dev", "user:ann"]
    roles.role_group_ids(project.id, ["team:t/boss"])
    member.roles = ["boss"]
    member.save()
    assert group_roles(ann) == ["member:m", "team:t", "team:t/boss", "user:ann"]
    member.delete()
    assert group_roles(ann) == ["user:ann"]


def test_a_new_group_takes_in_those_who_hold_its_role_already(project, other_project):
    ann = user_of(project, "ann")
    user_of(other_project, "ann")
    team = Team.objects.create(project_id=project.id, uid="t", name="T")
    Membership.objects.create(
        project_id=project.id, team=team, user=ann, uid="m", roles=["dev"], is_confirmed=True
    )
    roles.role_group_ids(project.id, ["user:ann", "team:t", "team:t/dev", "team:t/no", "member:m"])
    assert group_roles(ann) == ["member:m", "team:t", "team:t/dev", "user:ann"]
