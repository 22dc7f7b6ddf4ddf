"""Parameters of attributes and columns: the path, and one pair of classes per type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from documents.attributes import ATTRIBUTE_TYPES, MAX_STRING_SIZE
from documents.definitions import AttributeRequest
from documents.inputs.databases import DESCRIPTION
from documents.inputs.paths import CollectionInput
from kernel import fields
from kernel.fields import Check, as_dict, read_input

SIZE = fields.integer(1, MAX_STRING_SIZE)


def default_of(type_: str) -> Check:
    """Check a default's type and format; the attribute's limits are for the service."""
    parse = ATTRIBUTE_TYPES[type_].parse

    def check(value: Any) -> Any:
        parse(value)
        if type_ == "email":
            fields.email(value)
        return value

    return check


def not_encrypted(value: Any) -> bool:
    """Refuse encryption: values are stored as they are."""
    if fields.boolean(value):
        raise ValueError("Encrypted attributes are not offered")
    return False


@dataclass(frozen=True, kw_only=True)
class ListAttributesInput(CollectionInput):
    queries: list[str] = fields.optional(fields.queries, default=[])
    total: bool = fields.optional(fields.boolean, default=True)


@dataclass(frozen=True, kw_only=True)
class CreateAttributeInput:
    """What every type takes. The path is read apart, for inline attributes have none."""

    key: str = fields.required(fields.key)
    required: bool = fields.required(fields.boolean)
    array: bool = fields.optional(fields.boolean, default=False)
    description: str = fields.optional(DESCRIPTION, default="")


@dataclass(frozen=True, kw_only=True)
class UpdateAttributeInput:
    required: bool = fields.required(fields.boolean)
    new_key: str | None = fields.optional(fields.key)
    description: str | None = fields.optional(DESCRIPTION)


@dataclass(frozen=True, kw_only=True)
class CreateStringAttributeInput(CreateAttributeInput):
    size: int = fields.required(SIZE)
    default: str | None = fields.optional(default_of("string"))
    encrypt: bool = fields.optional(not_encrypted, default=False)


@dataclass(frozen=True, kw_only=True)
class UpdateStringAttributeInput(UpdateAttributeInput):
    default: str | None = fields.required(default_of("string"), nullable=True)
    size: int | None = fields.optional(SIZE)


@dataclass(frozen=True, kw_only=True)
class CreateEmailAttributeInput(CreateAttributeInput):
    default: str | None = fields.optional(default_of("email"))


@dataclass(frozen=True, kw_only=True)
class UpdateEmailAttributeInput(UpdateAttributeInput):
    default: str | None = fields.required(default_of("email"), nullable=True)


@dataclass(frozen=True, kw_only=True)
class CreateIntegerAttributeInput(CreateAttributeInput):
    min: int | None = fields.optional(fields.integer())
    max: int | None = fields.optional(fields.integer())
    default: int | None = fields.optional(fields.integer())


@dataclass(frozen=True, kw_only=True)
class UpdateIntegerAttributeInput(UpdateAttributeInput):
    default: int | None = fields.required(fields.integer(), nullable=True)
    min: int | None = fields.optional(fields.integer())
    max: int | None = fields.optional(fields.integer())


@dataclass(frozen=True, kw_only=True)
class CreateFloatAttributeInput(CreateAttributeInput):
    min: float | None = fields.optional(fields.number)
    max: float | None = fields.optional(fields.number)
    default: float | None = fields.optional(fields.number)


@dataclass(frozen=True, kw_only=True)
class UpdateFloatAttributeInput(UpdateAttributeInput):
    default: float | None = fields.required(fields.number, nullable=True)
    min: float | None = fields.optional(fields.number)
    max: float | None = fields.optional(fields.number)


@dataclass(frozen=True, kw_only=True)
class CreateBooleanAttributeInput(CreateAttributeInput):
    default: bool | None = fields.optional(fields.boolean)


@dataclass(frozen=True, kw_only=True)
class UpdateBooleanAttributeInput(UpdateAttributeInput):
    default: bool | None = fields.required(fields.boolean, nullable=True)


@dataclass(frozen=True, kw_only=True)
class CreateDatetimeAttributeInput(CreateAttributeInput):
    default: str | None = fields.optional(default_of("datetime"))


@dataclass(frozen=True, kw_only=True)
class UpdateDatetimeAttributeInput(UpdateAttributeInput):
    default: str | None = fields.required(default_of("datetime"), nullable=True)


CREATE_INPUTS: Mapping[str, type[CreateAttributeInput]] = {
    "string": CreateStringAttributeInput,
    "email": CreateEmailAttributeInput,
    "integer": CreateIntegerAttributeInput,
    "float": CreateFloatAttributeInput,
    "boolean": CreateBooleanAttributeInput,
    "datetime": CreateDatetimeAttributeInput,
}
UPDATE_INPUTS: Mapping[str, type[UpdateAttributeInput]] = {
    "string": UpdateStringAttributeInput,
    "email": UpdateEmailAttributeInput,
    "integer": UpdateIntegerAttributeInput,
    "float": UpdateFloatAttributeInput,
    "boolean": UpdateBooleanAttributeInput,
    "datetime": UpdateDatetimeAttributeInput,
}


def read_attribute(type_: str, source: Mapping[str, Any]) -> AttributeRequest:
    """Read the attribute of one type that a client asks for.

    Raises: ARGUMENT_INVALID
    """
    values = as_dict(read_input(CREATE_INPUTS[type_], source))
    values.pop("encrypt", None)
    return AttributeRequest(type=type_, **values)
