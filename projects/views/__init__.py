"""Endpoints of tenancy and of the installation's state."""
