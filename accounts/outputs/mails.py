"""Answers about the words of mails."""

from typing import TypedDict

from accounts.models import EmailTemplate


class EmailTemplateOutput(TypedDict):
    templateId: str  # public names
    locale: str
    subject: str
    message: str
    senderName: str
    senderEmail: str
    replyToName: str
    replyToEmail: str


class EmailTemplateList(TypedDict):
    total: int
    templates: list[EmailTemplateOutput]


def email_template_output(template: EmailTemplate) -> EmailTemplateOutput:
    return {
        "templateId": template.kind,
        "locale": template.locale,
        "subject": template.subject,
        "message": template.message,
        "senderName": template.sender_name,
        "senderEmail": template.sender_email,
        "replyToName": template.reply_to_name,
        "replyToEmail": template.reply_to_email,
    }
