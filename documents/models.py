"""Tables of documents: databases, collections, documents and the grants on the last two."""

from typing import Any, Self

from django.contrib.auth.models import Group, Permission
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from accounts.models import User
from documents import partitions
from kernel.caller import Caller
from kernel.limits import MAX_DESCRIPTION_LENGTH, MAX_NAME_LENGTH
from kernel.permissions import CONTAINER_ACTIONS, ITEM_ACTIONS
from projects.models import Project


class DatabaseQuerySet(models.QuerySet["Database"]):
    def in_project(self, project_id: int) -> Self:
        return self.filter(project_id=project_id, deleted_at=None)

    def enabled(self) -> Self:
        return self.filter(is_enabled=True)


class Database(models.Model):
    """A set of collections. Its type says which of the two vocabularies made it.

    The project is no constraint: a job sweeps the databases of a project after it is gone.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(
        Project, on_delete=models.DO_NOTHING, db_constraint=False, related_name="databases"
    )
    uid = models.CharField(max_length=36)
    name = models.CharField(max_length=MAX_NAME_LENGTH)
    description = models.CharField(max_length=MAX_DESCRIPTION_LENGTH, default="", blank=True)
    type = models.CharField(max_length=16)
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True, editable=False)

    objects = DatabaseQuerySet.as_manager()

    class Meta:
        db_table = "document_database"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["project", "uid"],
                name="document_database_uid",
                condition=models.Q(deleted_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CollectionQuerySet(models.QuerySet["Collection"]):
    def in_database(self, database_id: int) -> Self:
        return self.filter(database_id=database_id, deleted_at=None)

    def at(self, project_id: int, database_uid: str) -> Self:
        """Return the collections of a database by its public id, if it is there."""
        return self.filter(
            database__project_id=project_id,
            database__uid=database_uid,
            database__deleted_at=None,
            deleted_at=None,
        )

    def enabled(self) -> Self:
        return self.filter(is_enabled=True)


class Collection(models.Model):
    """A schema, and the container of its documents.

    `attributes` and `indexes` are ordered lists of JSON objects (see `documents.attributes` and
    `documents.indexes`), `inbound` those of one-way relationships that end here (see
    `documents.relations`). `permissions` is compiled from the grants by triggers. `version` grows
    with every change of anything that processes cache. `has_free_fields` tells that documents may
    hold fields without an attribute, shown while the collection `is_schemaless`. `place` says in
    which partition the documents are (see `documents.partitions`).
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(
        Project, on_delete=models.DO_NOTHING, db_constraint=False, related_name="collections"
    )
    database = models.ForeignKey(Database, on_delete=models.PROTECT, related_name="collections")
    uid = models.CharField(max_length=36)
    name = models.CharField(max_length=MAX_NAME_LENGTH)
    description = models.CharField(max_length=MAX_DESCRIPTION_LENGTH, default="", blank=True)
    is_enabled = models.BooleanField(default=True)
    has_document_security = models.BooleanField(default=False)
    is_schemaless = models.BooleanField(default=False, db_default=False)
    has_free_fields = models.BooleanField(default=False, db_default=False, editable=False)
    permissions = ArrayField(models.TextField(), default=list, blank=True)
    attributes = models.JSONField(default=list, blank=True)
    indexes = models.JSONField(default=list, blank=True)
    inbound = models.JSONField(default=list, blank=True, editable=False)
    has_retired_names = models.BooleanField(default=False, editable=False)
    version = models.BigIntegerField(default=1, editable=False)
    place = models.BigIntegerField(default=partitions.shared_place, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True, editable=False)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        db_table = "document_collection"
        default_permissions = ()
        permissions = [(f"{action}_collection", action) for action in CONTAINER_ACTIONS]
        constraints = [
            models.UniqueConstraint(
                fields=["database", "uid"],
                name="document_collection_uid",
                condition=models.Q(deleted_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.uid})"


class PlaceOfDocumentField(models.BigIntegerField):  # type: ignore[type-arg]  # no generic at run time
    """The place of a document's collection, read from it when Django makes the row."""

    def found(self, instance: Any) -> int:
        return int(instance.collection.place)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if getattr(model_instance, self.attname) is None:
            setattr(model_instance, self.attname, self.found(model_instance))
        return getattr(model_instance, self.attname)


class Document(models.Model):
    """One row of a collection, in the partition at its place.

    `data` holds each value under its attribute's stored name. `permissions` and `read_roles` are
    compiled from the grants. Partitions have the keys (collection_id, id) and (collection_id, uid).
    """

    id = models.BigAutoField(primary_key=True)
    collection = models.ForeignKey(
        Collection,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="documents",
    )
    uid = models.CharField(max_length=36, db_collation="C")
    data = models.JSONField(default=dict)
    permissions = ArrayField(models.TextField(), default=list, blank=True)
    read_roles = ArrayField(models.TextField(), default=list, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    place = PlaceOfDocumentField(editable=False)

    class Meta:
        db_table = "document"
        default_permissions = ()
        permissions = [(f"{action}_document", action) for action in ITEM_ACTIONS]

    def __str__(self) -> str:
        return self.uid


class DocumentTransactionQuerySet(models.QuerySet["DocumentTransaction"]):
    def usable_by(self, caller: Caller) -> Self:
        """Keep those of a caller: a user's own, and all of the project for keys and the console."""
        mine = self.filter(project_id=caller.project.id)
        if caller.is_privileged:
            return mine
        return mine.filter(user_uid=caller.user_uid) if caller.user_uid else mine.none()


class DocumentTransaction(models.Model):
    """Writes that are staged one by one and happen together. Keys and the console have no uid.

    While a transaction is being committed its row is locked and still says `pending`, so that
    nothing has to be mended after a crash.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        COMMITTED = "committed"
        FAILED = "failed"

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(
        Project,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="transactions",
    )
    uid = models.CharField(max_length=36)
    user_uid = models.CharField(max_length=36)
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    operation_count = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    objects = DocumentTransactionQuerySet.as_manager()

    class Meta:
        db_table = "document_transaction"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["project", "uid"], name="document_transaction_uid"),
        ]
        indexes = [
            models.Index(fields=["project", "user_uid"], name="document_transaction_owner"),
            models.Index(fields=["expires_at"], name="document_transaction_expiry"),
        ]

    def __str__(self) -> str:
        return self.uid


class StagedOperation(models.Model):
    """A call of a service on documents that waits for the commit of its transaction.

    `arguments` are encrypted. `actor_uid` is the user who staged it, or a key's or console
    member's; `impersonator_uid` is who acted as that user, if anybody did. `touched` lists the
    documents it touches as `[collection id, uid, version]`, where the version, as it was before
    the transaction, is null for a document that was not there.
    """

    id = models.BigAutoField(primary_key=True)
    transaction = models.ForeignKey(
        DocumentTransaction, on_delete=models.CASCADE, related_name="operations"
    )
    service = models.CharField(max_length=64)
    dialect = models.PositiveSmallIntegerField()
    arguments = models.TextField()
    actor_uid = models.CharField(max_length=36)
    impersonator_uid = models.CharField(max_length=36, default="", db_default="")
    is_privileged = models.BooleanField()
    touched = models.JSONField(default=list)

    class Meta:
        db_table = "document_staged_operation"
        default_permissions = ()

    def __str__(self) -> str:
        return self.service


class DocumentLink(models.Model):
    """A link between two documents by a relationship (see `documents.relations`).

    A child with one parent, and a parent with one child, have one link: two flags repeat what the
    relationship allows, so that the database keeps it.
    """

    id = models.BigAutoField(primary_key=True)
    relation = models.BigIntegerField()
    parent_id = models.BigIntegerField()
    child_id = models.BigIntegerField()
    has_one_parent = models.BooleanField()
    has_one_child = models.BooleanField()

    class Meta:
        db_table = "document_link"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["relation", "parent_id", "child_id"], name="document_link_pair"
            ),
            models.UniqueConstraint(
                fields=["relation", "child_id"],
                name="document_link_parent",
                condition=models.Q(has_one_parent=True),
            ),
            models.UniqueConstraint(
                fields=["relation", "parent_id"],
                name="document_link_child",
                condition=models.Q(has_one_child=True),
            ),
        ]
        indexes = [
            models.Index(fields=["relation", "child_id", "parent_id"], name="document_link_back"),
        ]

    def __str__(self) -> str:
        return f"{self.relation}: {self.parent_id} to {self.child_id}"


class CollectionOfDocumentField(PlaceOfDocumentField):
    """The collection of the document a grant is on, read from it when guardian makes the row."""

    def found(self, instance: Any) -> int:
        return int(instance.content_object.collection_id)


class CollectionUserObjectPermission(UserObjectPermissionBase):
    """A grant on a collection to one user, made through guardian's own interface."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, db_index=False)
    permission = models.ForeignKey(Permission, on_delete=models.CASCADE, db_index=False)
    content_object = models.ForeignKey(Collection, on_delete=models.CASCADE, db_index=False)

    class Meta:
        db_table = "document_collection_user_grant"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["content_object", "permission", "user"], name="collection_user_grant"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "permission"], name="collection_user_grant_user"),
        ]


class CollectionGroupObjectPermission(GroupObjectPermissionBase):
    """A grant on a collection to a role."""

    id = models.BigAutoField(primary_key=True)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, db_index=False)
    permission = models.ForeignKey(Permission, on_delete=models.CASCADE, db_index=False)
    content_object = models.ForeignKey(Collection, on_delete=models.CASCADE, db_index=False)

    class Meta:
        db_table = "document_collection_group_grant"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["content_object", "permission", "group"], name="collection_group_grant"
            ),
        ]
        indexes = [
            models.Index(fields=["group", "permission"], name="collection_group_grant_group"),
        ]


class DocumentUserObjectPermission(UserObjectPermissionBase):
    """A grant on a document to one user, made through guardian's own interface."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, db_index=False)
    permission = models.ForeignKey(Permission, on_delete=models.CASCADE, db_index=False)
    content_object = models.ForeignKey(
        Document, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    collection_id = CollectionOfDocumentField(editable=False)

    class Meta:
        db_table = "document_user_grant"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["content_object", "permission", "user"], name="document_user_grant_row"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "permission"], name="document_user_grant_user"),
        ]


class DocumentGroupObjectPermission(GroupObjectPermissionBase):
    """A grant on a document to a role.

    The database does not check the references: each check locks the row it finds, which is the
    same few for all writers. Groups go with their whole project only, permissions never.
    """

    id = models.BigAutoField(primary_key=True)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    permission = models.ForeignKey(
        Permission, on_delete=models.CASCADE, db_constraint=False, db_index=False
    )
    content_object = models.ForeignKey(
        Document, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    collection_id = CollectionOfDocumentField(editable=False)

    class Meta:
        db_table = "document_group_grant"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["content_object", "permission", "group"], name="document_group_grant_row"
            ),
        ]
        indexes = [
            models.Index(fields=["group", "permission"], name="document_group_grant_group"),
        ]
