"""Attacks that real backends fell for, each a test named after its class."""
