"""Permission strings, and the decision they lead to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.permissions import (
    CONTAINER_ACTIONS,
    CREATE,
    ITEM_ACTIONS,
    Permission,
    decide,
    is_valid_role,
    normalize_permissions,
    parse_permission,
    roles_for,
    ungrantable_roles,
)

VALID_ROLES = [
    "any",
    "guests",
    "users",
    "users/verified",
    "users/unverified",
    "user:a1",
    "user:a1/verified",
    "team:t1",
    "team:t1/owner",
    "team:t1/chief of staff",
    "member:m1",
    "label:vip",
]
roles = st.sampled_from(VALID_ROLES)
grants = st.lists(
    st.builds(lambda action, role: f'{action}("{role}")', st.sampled_from(CONTAINER_ACTIONS), roles)
)


@pytest.mark.parametrize("role", VALID_ROLES)
def test_known_roles_are_valid(role):
    assert is_valid_role(role)


@pytest.mark.parametrize(
    "role",
    ["", "all", "Any", "users/x", "user:", "user:-a", "user:a/b", "team:t/", "team:t/a/b",
     "label:a-b", "label:", "member:", "any ", "any\n", "user:a\n", 'team:t/a"b', "team:t/\x00"],
)  # fmt: skip
def test_other_roles_are_refused(role):
    assert not is_valid_role(role)


@pytest.mark.parametrize("role", VALID_ROLES)
def test_a_permission_survives_writing_and_reading(role):
    permission = Permission("read", role)
    assert parse_permission(str(permission)) == permission


@pytest.mark.parametrize(
    "text",
    ["", "read", "read()", "read(any)", 'read("any"', 'READ("any")', 'own("any")', 'read("any") ',
     'read("any")\n', 'read("")', 'read("any", "users")', "read('any')"],
)  # fmt: skip
def test_malformed_permissions_are_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_permission(text)


def test_write_is_spelled_out_as_far_as_it_applies():
    whole = normalize_permissions(['write("any")'], actions=CONTAINER_ACTIONS)
    assert whole == ['create("any")', 'update("any")', 'delete("any")']
    item = normalize_permissions(['write("any")'], actions=ITEM_ACTIONS)
    assert item == ['update("any")', 'delete("any")']


def test_create_does_not_apply_to_items():
    with pytest.raises(ValueError, match="not allowed"):
        normalize_permissions(['create("any")'], actions=ITEM_ACTIONS)


def test_more_than_a_hundred_permissions_are_refused():
    texts = [f'read("user:u{number}")' for number in range(101)]
    assert len(normalize_permissions(texts[:100], actions=ITEM_ACTIONS)) == 100
    with pytest.raises(ValueError, match="up to 100"):
        normalize_permissions(texts, actions=ITEM_ACTIONS)


@given(grants)
def test_normalizing_keeps_order_and_drops_duplicates(texts):
    normalized = normalize_permissions(texts[:100], actions=CONTAINER_ACTIONS)
    assert normalized == list(dict.fromkeys(texts[:100]))
    assert normalize_permissions(normalized, actions=CONTAINER_ACTIONS) == normalized


@given(st.text())
def test_any_text_is_read_or_refused_as_a_value_error(text):
    try:
        permission = parse_permission(text)
    except ValueError:
        return
    assert str(permission) == text


@given(st.sampled_from(CONTAINER_ACTIONS), st.sets(roles), grants, grants, st.booleans())
def test_decisions_follow_the_published_rule(action, held, container, item, has_item_security):
    allowed = any(f'{action}("{role}")' in container for role in held)
    if has_item_security and action != CREATE:
        allowed = allowed or any(f'{action}("{role}")' in item for role in held)
    decision = decide(
        action, held, container=container, item=item, has_item_security=has_item_security
    )
    assert decision.is_allowed == allowed
    assert bool(decision.matched) == allowed
    assert decision.matched <= held
    assert decision.reason


def test_roles_of_an_action_keep_their_order():
    texts = ['read("users")', 'update("any")', 'read("any")']
    assert roles_for("read", texts) == ["users", "any"]


def test_roles_one_does_not_hold_cannot_be_granted():
    texts = ['read("any")', 'update("team:t1")', 'delete("user:a1")']
    assert ungrantable_roles(texts, {"any", "user:a1"}) == ['update("team:t1")']
