"""What a project that goes leaves in accounts."""

from django.contrib.auth.models import Group

from accounts.models import Team, User

BATCH = 500


def clear_project(*, project_id: int) -> None:
    """Remove the users, teams and role groups of a project, some at a time."""
    of_project = (
        User.objects.filter(project_id=project_id),
        Team.objects.filter(project_id=project_id),
        Group.objects.filter(role__project_id=project_id),
    )
    for rows in of_project:
        while batch := list(rows.values_list("pk", flat=True)[:BATCH]):
            rows.filter(pk__in=batch).delete()
