"""Policies of a project, as whoever runs it sets them."""

from typing import Any

from kernel.caller import ProjectContext
from projects import services as projects


def set_policy(project: ProjectContext, policy_id: str, **fields: Any) -> None:
    """Change a policy of a project."""
    projects.update_policy(
        caller=projects.operator(), project_id=project.uid, policy_id=policy_id, fields=fields
    )


def switch_method(project: ProjectContext, method_id: str, *, enabled: bool) -> None:
    """Switch a way to sign in on or off."""
    projects.update_auth_method(
        caller=projects.operator(), project_id=project.uid, method_id=method_id, enabled=enabled
    )
