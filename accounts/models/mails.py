"""Tables of mails and text messages, and of the words projects have for them."""

from django.db import models
from django.db.models.functions import Now

from projects.models import Project


class Mail(models.Model):
    """A mail to a user: on its way, or kept for the console's outbox page where none can leave.

    Its text holds secrets, and so is encrypted, and gone once the mail is.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="mails")
    uid = models.CharField(max_length=36, unique=True)
    recipient = models.CharField(max_length=320)
    subject = models.CharField(max_length=256)
    content = models.TextField(editable=False)
    error = models.CharField(max_length=512, default="", blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "mail"
        indexes = [models.Index(fields=["project", "created_at"], name="mail_project")]

    def __str__(self) -> str:
        return f"{self.subject} to {self.recipient}"


class EmailTemplate(models.Model):
    """A project's own words for one kind of mail, in one locale or (empty) in all."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="email_templates")
    kind = models.CharField(max_length=32)
    locale = models.CharField(max_length=8, default="", blank=True)
    subject = models.CharField(max_length=255)
    message = models.TextField()
    sender_name = models.CharField(max_length=255, default="", blank=True)
    sender_email = models.CharField(max_length=320, default="", blank=True)
    reply_to_name = models.CharField(max_length=255, default="", blank=True)
    reply_to_email = models.CharField(max_length=320, default="", blank=True)

    class Meta:
        db_table = "email_template"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "locale"], name="email_template_locale"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.locale}".strip()


class TextMessage(models.Model):
    """A message to a user's phone: on its way, or kept for the console where none can leave.

    It holds a secret, and so is encrypted, and gone once it is sent.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="text_messages")
    uid = models.CharField(max_length=36, unique=True)
    recipient = models.CharField(max_length=16)
    content = models.TextField(editable=False)
    error = models.CharField(max_length=512, default="", blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "text_message"
        indexes = [models.Index(fields=["project", "created_at"], name="text_message_project")]

    def __str__(self) -> str:
        return f"text message to {self.recipient}"
