"""Shapes of requests about numbers with fixed codes."""

from dataclasses import dataclass

from kernel.fields import list_of, phone, required
from projects.inputs import checks

#: Of those that are set at once.
MAX_MOCK_NUMBERS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class MockPhonePathInput:
    number: str = required(checks.path_number)


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateMockPhoneInput:
    number: str = required(phone)
    otp: str = required(checks.one_time_password)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateMockPhoneInput(MockPhonePathInput):
    otp: str = required(checks.one_time_password)


@dataclass(frozen=True, kw_only=True, slots=True)
class MockNumbersInput:
    numbers: list[tuple[str, str]] = required(list_of(checks.mock_number, maximum=MAX_MOCK_NUMBERS))
