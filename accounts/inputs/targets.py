"""Shapes of requests about where messages reach users."""

from dataclasses import dataclass

from accounts.inputs.checks import or_empty
from accounts.inputs.lists import PageInput
from accounts.targets import TYPES
from kernel.fields import custom_id, one_of, optional, required, text, uid
from kernel.limits import MAX_NAME_LENGTH, MAX_TARGET_LENGTH

_identifier = text(MAX_TARGET_LENGTH, minimum=1)


@dataclass(frozen=True, kw_only=True)
class PushTargetInput:
    target_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class CreatePushTargetInput:
    target_id: str = required(custom_id)
    identifier: str = required(_identifier)
    provider_id: str = optional(or_empty(uid), default="")


@dataclass(frozen=True, kw_only=True)
class UpdatePushTargetInput(PushTargetInput):
    identifier: str = required(_identifier)


@dataclass(frozen=True, kw_only=True)
class ListTargetsInput(PageInput):
    user_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class TargetInput:
    user_id: str = required(uid)
    target_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class CreateTargetInput:
    user_id: str = required(uid)
    target_id: str = required(custom_id)
    provider_type: str = required(one_of(TYPES))
    identifier: str = required(_identifier)
    provider_id: str = optional(or_empty(uid), default="")
    name: str = optional(text(MAX_NAME_LENGTH), default="")


@dataclass(frozen=True, kw_only=True)
class UpdateTargetInput(TargetInput):
    identifier: str = optional(text(MAX_TARGET_LENGTH), default="")
    provider_id: str = optional(or_empty(uid), default="")
    name: str = optional(text(MAX_NAME_LENGTH), default="")
