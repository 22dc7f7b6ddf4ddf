"""How far imports from elsewhere have come."""

from django.db import models
from django.db.models.functions import Now

from projects.models import Project


class FirebaseImport(models.Model):
    """An import of some files into a project, where it goes on after it was interrupted.

    `digest` stands for the files and how they are read. `steps` counts what was written down, so
    that of two who carry out the same import one notices.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="firebase_imports")
    digest = models.CharField(max_length=64)
    steps = models.PositiveIntegerField(default=0)
    state = models.JSONField(default=dict)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "firebase_import"
        constraints = [
            models.UniqueConstraint(fields=["project", "digest"], name="firebase_import_digest"),
        ]

    def __str__(self) -> str:
        return self.digest


class FirebaseItem(models.Model):
    """A user or document that an import brought.

    `place` is `users`, or the ids of the database and the collection. `digest` stands for what the
    files said of it when it was taken over, at `taken_at`; `seen_id` is the last import whose files
    held it.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, db_index=False, related_name="firebase_items"
    )
    place = models.CharField(max_length=80)
    uid = models.CharField(max_length=36)
    digest = models.CharField(max_length=64)
    taken_at = models.DateTimeField()
    seen_id = models.BigIntegerField()

    class Meta:
        db_table = "firebase_item"
        constraints = [
            models.UniqueConstraint(fields=["project", "place", "uid"], name="firebase_item_uid"),
        ]

    def __str__(self) -> str:
        return f"{self.place}/{self.uid}"
