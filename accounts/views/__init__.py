"""Endpoints of accounts: one class per path, one method per verb."""
