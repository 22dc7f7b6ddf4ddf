"""Grants on collections: guardian's rows for the roles of a permission list."""

from collections.abc import Sequence
from functools import cache

from django.contrib.auth.models import Permission

from accounts import roles
from documents.models import (
    Collection,
    CollectionGroupObjectPermission,
    CollectionUserObjectPermission,
)
from kernel.permissions import Permission as Grant
from kernel.permissions import parse_permission


@cache
def permission_id(codename: str) -> int:
    """Return the id of guardian's permission, such as `read_document`; known per process."""
    permission = Permission.objects.get(
        content_type__app_label="documents",
        content_type__model=codename.partition("_")[2],
        codename=codename,
    )
    return int(permission.pk)


def replace_collection_grants(collection: Collection, permissions: Sequence[str]) -> None:
    """Make a permission list the grants of a collection; triggers compile it and add a version.

    The rows are written anew in the list's order, which is the order they are compiled in. Grants
    that guardian made to single users go: the list is all there is.
    """
    grants = [parse_permission(text) for text in permissions]
    groups = roles.role_group_ids(collection.project_id, [grant.role for grant in grants])
    CollectionUserObjectPermission.objects.filter(content_object=collection).delete()
    CollectionGroupObjectPermission.objects.filter(content_object=collection).delete()
    CollectionGroupObjectPermission.objects.bulk_create(
        _row(collection, grant, group_id) for grant, group_id in zip(grants, groups, strict=True)
    )


def _row(collection: Collection, grant: Grant, group_id: int) -> CollectionGroupObjectPermission:
    return CollectionGroupObjectPermission(
        content_object=collection,
        permission_id=permission_id(f"{grant.action}_collection"),
        group_id=group_id,
    )
