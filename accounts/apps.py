"""Accounts: users, sessions and teams."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
