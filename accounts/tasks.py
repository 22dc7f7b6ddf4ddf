"""Jobs of accounts."""

from accounts import services
from accounts.services.retention import sweep_expired
from kernel import jobs

jobs.hourly(sweep_expired)


@jobs.runner("accounts.remove_user")
def remove_user(user_id: int) -> None:
    """Remove what a deleted user leaves behind."""
    services.remove_user(user_id=user_id)


@jobs.runner("accounts.send_recovery")
def send_recovery(project_uid: str, email: str, url: str, token_uid: str, locale: str = "") -> None:
    """Mail a recovery link to whom the address belongs."""
    services.send_recovery(
        project_uid=project_uid, email=email, url=url, token_uid=token_uid, locale=locale
    )


@jobs.runner("accounts.send_recovery_otp")
def send_recovery_otp(
    project_uid: str, email: str, phrase: str, token_uid: str, locale: str = ""
) -> None:
    """Mail a recovery code to whom the address belongs."""
    services.send_recovery_otp(
        project_uid=project_uid, email=email, phrase=phrase, token_uid=token_uid, locale=locale
    )


@jobs.runner("accounts.send_mail")
def send_mail(mail_id: int) -> None:
    """Hand a mail to the SMTP server."""
    services.send_mail(mail_id=mail_id)


@jobs.runner("accounts.send_text")
def send_text(text_id: int) -> None:
    """Hand a text message to the provider."""
    services.send_text(text_id=text_id)
