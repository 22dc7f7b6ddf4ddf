"""Mock phones: numbers that nobody has, whose codes a project has set for its tests."""

from collections.abc import Sequence

from django.db import transaction

from kernel import clock
from kernel.caller import Caller, ProjectContext
from kernel.errors import ApiError, ErrorKind
from kernel.event_names import id_part
from kernel.events import Event, publish
from kernel.limits import MAX_MOCK_PHONES
from kernel.listing import cut_page
from projects.encryption import DecryptionError, decrypt, encrypt
from projects.models import MockPhone
from projects.outputs import (
    MockPhoneList,
    MockPhoneOutput,
    ProjectOutput,
    mock_phone_list_output,
    mock_phone_output,
)
from projects.services.access import readable_project, writable_project
from projects.services.projects import change, locked_row

_ENCRYPTED_FOR = "mock phone"


def list_mock_phones(
    *, caller: Caller, project_id: str, queries: Sequence[str] = (), total: bool = True
) -> MockPhoneList:
    """Return a page of a project's mock phones.

    Raises: PROJECT_NOT_FOUND, ARGUMENT_INVALID
    """
    project = readable_project(caller, project_id)
    rows = list(MockPhone.objects.filter(project_id=project.id).order_by("id"))
    page, count = cut_page(rows, queries, has_total=total)
    return mock_phone_list_output([(row, _code(row)) for row in page], count)


def get_mock_phone(*, caller: Caller, project_id: str, number: str) -> MockPhoneOutput:
    """Return a mock phone.

    Raises: PROJECT_NOT_FOUND, MOCK_NUMBER_NOT_FOUND
    """
    project = readable_project(caller, project_id)
    row = _find(project, number)
    if row is None:
        raise ApiError(ErrorKind.MOCK_NUMBER_NOT_FOUND)
    return mock_phone_output(row, _code(row))


@transaction.atomic
def create_mock_phone(*, caller: Caller, project_id: str, number: str, otp: str) -> MockPhoneOutput:
    """Have a number receive this code whenever it is sent one, and no texts.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, MOCK_NUMBER_ALREADY_EXISTS,
        MOCK_NUMBER_LIMIT_EXCEEDED
    """
    project = writable_project(caller, project_id)
    locked_row(project)  # of those made at the same moment each sees the one before
    held = set(MockPhone.objects.filter(project_id=project.id).values_list("number", flat=True))
    if number in held:
        raise ApiError(ErrorKind.MOCK_NUMBER_ALREADY_EXISTS)
    if len(held) >= MAX_MOCK_PHONES:
        raise ApiError(ErrorKind.MOCK_NUMBER_LIMIT_EXCEEDED)
    row = _new(project, number, otp)
    row.save(force_insert=True)
    return _told(project, row, otp, "create", caller)


@transaction.atomic
def update_mock_phone(*, caller: Caller, project_id: str, number: str, otp: str) -> MockPhoneOutput:
    """Give a mock phone another code.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, MOCK_NUMBER_NOT_FOUND
    """
    project = writable_project(caller, project_id)
    row = _locked(project, number)
    row.otp, row.updated_at = _sealed(project, number, otp), clock.now()
    row.save(update_fields=["otp", "updated_at"])
    return _told(project, row, otp, "update", caller)


@transaction.atomic
def delete_mock_phone(*, caller: Caller, project_id: str, number: str) -> None:
    """Forget a mock phone: its number is one like any other from now on.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, MOCK_NUMBER_NOT_FOUND
    """
    project = writable_project(caller, project_id)
    row = _locked(project, number)
    _told(project, row, "", "delete", caller)
    row.delete()


@transaction.atomic
def replace_mock_phones(
    *, caller: Caller, project_id: str, numbers: Sequence[tuple[str, str]]
) -> ProjectOutput:
    """Have these mock phones, by number and code, in place of all there are.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, BAD_REQUEST
    """
    project = writable_project(caller, project_id)
    if len(dict(numbers)) < len(numbers):
        raise ApiError(ErrorKind.BAD_REQUEST, "A number stands there twice.")
    locked_row(project)
    MockPhone.objects.filter(project_id=project.id).delete()
    MockPhone.objects.bulk_create(_new(project, number, otp) for number, otp in numbers)
    return change(caller, project)


def find_mock_code(project: ProjectContext, number: str) -> str:
    """Return the code that a number always receives, empty for one that is no mock."""
    row = _find(project, number)
    return _code(row) if row else ""


def _find(project: ProjectContext, number: str) -> MockPhone | None:
    return MockPhone.objects.filter(project_id=project.id, number=number).first()


def _locked(project: ProjectContext, number: str) -> MockPhone:
    rows = MockPhone.objects.select_for_update()
    row = rows.filter(project_id=project.id, number=number).first()
    if row is None:
        raise ApiError(ErrorKind.MOCK_NUMBER_NOT_FOUND)
    return row


def _new(project: ProjectContext, number: str, otp: str) -> MockPhone:
    now = clock.now()
    return MockPhone(
        project_id=project.id,
        number=number,
        otp=_sealed(project, number, otp),
        created_at=now,
        updated_at=now,
    )


def _sealed(project: ProjectContext, number: str, otp: str) -> str:
    return encrypt(otp, project_id=project.id, purpose=_ENCRYPTED_FOR, bound_to=number)


def _code(row: MockPhone) -> str:
    """Return a mock phone's code, nothing where it was set under another master secret."""
    try:
        return decrypt(
            row.otp, project_id=row.project_id, purpose=_ENCRYPTED_FOR, bound_to=row.number
        )
    except DecryptionError:
        return ""


def _told(
    project: ProjectContext, row: MockPhone, otp: str, action: str, caller: Caller
) -> MockPhoneOutput:
    """Tell those who own the project of a mock phone, but for its code."""
    publish(
        Event(
            name=f"mock-phones.{id_part(row.number)}.{action}",
            project_id=project.id,
            project_uid=project.uid,
            payload=dict(mock_phone_output(row, "")),
            roles=(f"team:{project.team_uid}",) if project.team_uid else (),
            actor=caller.user_uid or caller.key_uid,
        )
    )
    return mock_phone_output(row, otp)
