"""allauth as a library of provider classes: Django knows its models, and no table is made for them.

Its accounts are unique in the whole installation, which no user of a project may be. Were one ever
stored, the missing table would tell.
"""

from typing import Any

from allauth.account.apps import AccountConfig
from allauth.socialaccount.apps import SocialAccountConfig
from django.apps import AppConfig
from django.db.models import DO_NOTHING


class _Tableless(AppConfig):
    def ready(self) -> None:
        for model in self.get_models():
            model._meta.managed = False
            for field in model._meta.get_fields():
                relation: Any = getattr(field, "remote_field", None)
                if relation is not None and field.concrete:
                    # Deleting a user must not look for rows here.
                    relation.on_delete = DO_NOTHING


class TablelessAccountConfig(_Tableless, AccountConfig):
    """Without what the original checks: the middleware of its own pages."""


class TablelessSocialAccountConfig(_Tableless, SocialAccountConfig):
    """Without what the original loads: the providers of its own pages."""
