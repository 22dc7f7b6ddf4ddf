"""Jobs of accounts."""

from accounts import services
from kernel import jobs


@jobs.runner("accounts.remove_user")
def remove_user(user_id: int) -> None:
    """Remove what a deleted user leaves behind."""
    services.remove_user(user_id=user_id)
