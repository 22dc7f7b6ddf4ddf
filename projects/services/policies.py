"""Policies: what a project asks of its users, one by one under their public ids."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from kernel.caller import Caller, ProjectContext
from kernel.errors import invalid
from kernel.event_names import id_part
from kernel.listing import cut_page
from kernel.policies import Policies, policy
from projects.catalog import POLICIES, POLICY_COLUMNS
from projects.models import Project
from projects.outputs import (
    PolicyList,
    PolicyOutput,
    ProjectOutput,
    policy_list_output,
    policy_output,
)
from projects.services.access import readable_project, writable_project
from projects.services.passkey_origins import all_passkey_origins
from projects.services.projects import change, get_row, locked_row

PASSKEY, MFA_FACTORS = "passkey", "mfa-factors"


def list_policies(
    *, caller: Caller, project_id: str, queries: Sequence[str] = (), total: bool = True
) -> PolicyList:
    """Return a page of a project's policies.

    Raises: PROJECT_NOT_FOUND, ARGUMENT_INVALID
    """
    row = get_row(readable_project(caller, project_id))
    outputs = [_shown(row, policy_id) for policy_id in POLICIES]
    page, count = cut_page(outputs, queries, has_total=total)
    return policy_list_output(page, count)


def get_policy(*, caller: Caller, project_id: str, policy_id: str) -> PolicyOutput:
    """Return a policy of a project.

    Raises: PROJECT_NOT_FOUND
    """
    return _shown(get_row(readable_project(caller, project_id)), policy_id)


@transaction.atomic
def update_policy(
    *, caller: Caller, project_id: str, policy_id: str, fields: dict[str, Any]
) -> ProjectOutput:
    """Set fields of a policy, by their public names; those left out stay as they are.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, ARGUMENT_INVALID
    """
    project = writable_project(caller, project_id)
    event = f"projects.{id_part(project.uid)}.policies.{id_part(policy_id)}.update"
    if policy_id in POLICY_COLUMNS:
        field, column = POLICY_COLUMNS[policy_id]
        return change(caller, project, event=event, **{column: fields[field]})
    stored = locked_row(project).policies
    if policy_id == PASSKEY:
        _check_unused(project, policy(stored, PASSKEY)["rpId"], wanted=fields["rpId"])
    changed = stored | {policy_id: policy(stored, policy_id) | fields}
    if policy_id == MFA_FACTORS:
        _check_possible(changed)
        # Whoever is signed in, also on open sockets, may lack one from now on.
        import_string(settings.APPWRITE_ANNOUNCE_IDENTITY)(project.id, user_uid="", reason="policy")
    return change(caller, project, event=event, policies=changed)


def _check_possible(stored: dict[str, Any]) -> None:
    policies = Policies.of(stored)
    if policies.requires_factor and not policies.second_factors:
        raise invalid("required", "At least one factor has to be allowed")


def _check_unused(project: ProjectContext, domain: str, *, wanted: str) -> None:
    has_passkeys = import_string(settings.APPWRITE_HAS_PASSKEYS)
    if domain and wanted != domain and has_passkeys(project.id, domain):
        raise invalid("rpId", f"Users have passkeys of {domain}, which no other domain can use")


def _shown(row: Project, policy_id: str) -> PolicyOutput:
    output = policy_output(row, policy_id)
    if policy_id == PASSKEY:
        output["origins"] = all_passkey_origins(row.id, output["rpId"])
    return output
