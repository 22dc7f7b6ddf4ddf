"""The embedded PostgreSQL. Standard library only.

None of the wheel's own Python code is used: as root it would create users of the system.
"""
