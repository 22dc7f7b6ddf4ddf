"""The kernel's only tables: the event log, the jobs and the rate counters."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class TransactionIdField(models.Field):  # type: ignore[type-arg]  # no generic at run time
    """The number of the writing transaction, set by the database (`xid8`)."""

    def db_type(self, connection: object) -> str:
        return "xid8"

    def from_db_value(self, value: str | None, *_args: object) -> int | None:
        return None if value is None else int(value)


class CurrentTransactionId(models.Func):
    """`pg_current_xact_id()` as a column default."""

    function = "pg_current_xact_id"
    template = "%(function)s()"
    arity = 0


class OutboxEvent(models.Model):
    """One published event; readers go by xid and snapshots, since ids are not in commit order.

    `previous_roles` are those who could read what it is about before it, where that changed.
    """

    id = models.BigAutoField(primary_key=True)
    xid = TransactionIdField(db_default=CurrentTransactionId(), editable=False)
    project_id = models.BigIntegerField()
    name = models.TextField()
    payload = models.JSONField()
    roles = ArrayField(models.TextField())
    actor = models.TextField(db_default="")
    created_at = models.DateTimeField(db_default=Now())
    is_creation = models.BooleanField(db_default=False)
    previous_roles = ArrayField(models.TextField(), null=True)

    class Meta:
        db_table = "outbox"
        indexes = [
            models.Index(fields=["project_id", "xid", "id"], name="outbox_project_cursor"),
        ]

    def __str__(self) -> str:
        return self.name


class JobStatus(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(models.Model):
    """Work to be done after its transaction: the record; Celery is only engine and doorbell."""

    id = models.BigAutoField(primary_key=True)
    name = models.TextField()
    arguments = models.JSONField(default=dict)
    status = models.TextField(choices=JobStatus.choices, default=JobStatus.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    lease_token = models.UUIDField(null=True)
    run_after = models.DateTimeField(db_default=Now())
    leased_until = models.DateTimeField(null=True)
    rung_at = models.DateTimeField(null=True)
    error = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "job"
        indexes = [
            models.Index(
                fields=["run_after"],
                name="job_open",
                condition=models.Q(status__in=["waiting", "running"]),
            ),
            models.Index(fields=["finished_at"], name="job_finished_at"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.id}"


class RateCounter(models.Model):
    """Hits of one key in one window; an UNLOGGED table, empty again after a crash."""

    key = models.TextField(primary_key=True)
    window_start = models.BigIntegerField()
    hits = models.IntegerField()

    class Meta:
        db_table = "rate_counter"

    def __str__(self) -> str:
        return self.key
