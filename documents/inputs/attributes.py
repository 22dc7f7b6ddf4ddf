"""Parameters of attributes and columns: the path, and one pair of classes per type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from documents.attributes import ATTRIBUTE_TYPES, MAX_STRING_SIZE, MAX_VARCHAR_SIZE
from documents.definitions import AttributeRequest
from documents.inputs.databases import DESCRIPTION
from documents.inputs.paths import CollectionInput
from kernel import fields
from kernel.fields import Check, as_dict, read_input

SIZE = fields.integer(1, MAX_STRING_SIZE)
VARCHAR_SIZE = fields.integer(1, MAX_VARCHAR_SIZE)
ELEMENTS = fields.list_of(fields.text(255, minimum=1), maximum=100)


def default_of(type_: str) -> Check:
    """Check a default's type and format; the attribute's limits are for the service."""
    kind = ATTRIBUTE_TYPES[type_]

    def check(value: Any) -> Any:
        kind.check_format(kind.parse(value))
        return value

    return check


@dataclass(frozen=True, kw_only=True)
class ListAttributesInput(CollectionInput):
    queries: list[str] = fields.optional(fields.queries, default=[])
    total: bool = fields.optional(fields.boolean, default=True)


@dataclass(frozen=True, kw_only=True)
class CreateSingleAttributeInput:
    """What every type takes. The path is read apart, for inline attributes have none."""

    key: str = fields.required(fields.key)
    required: bool = fields.required(fields.boolean)
    description: str = fields.optional(DESCRIPTION, default="")


@dataclass(frozen=True, kw_only=True)
class CreateAttributeInput(CreateSingleAttributeInput):
    """What the types take whose values may also be lists."""

    array: bool = fields.optional(fields.boolean, default=False)


@dataclass(frozen=True, kw_only=True)
class UpdateAttributeInput:
    required: bool = fields.required(fields.boolean)
    new_key: str | None = fields.optional(fields.key)
    description: str | None = fields.optional(DESCRIPTION)


@dataclass(frozen=True, kw_only=True)
class CreateStringAttributeInput(CreateAttributeInput):
    size: int = fields.required(SIZE)
    default: str | None = fields.optional(default_of("string"))
    encrypt: bool = fields.optional(fields.boolean, default=False)


@dataclass(frozen=True, kw_only=True)
class UpdateStringAttributeInput(UpdateAttributeInput):
    default: str | None = fields.required(default_of("string"), nullable=True)
    size: int | None = fields.optional(SIZE)


@dataclass(frozen=True, kw_only=True)
class CreateVarcharAttributeInput(CreateAttributeInput):
    size: int = fields.required(VARCHAR_SIZE)
    default: str | None = fields.optional(default_of("varchar"))
    encrypt: bool = fields.optional(fields.boolean, default=False)


@dataclass(frozen=True, kw_only=True)
class UpdateVarcharAttributeInput(UpdateAttributeInput):
    default: str | None = fields.required(default_of("varchar"), nullable=True)
    size: int | None = fields.optional(VARCHAR_SIZE)


@dataclass(frozen=True, kw_only=True)
class CreateTextAttributeInput(CreateAttributeInput):
    """Text, medium text and long text, which are alike but for how much they hold."""

    default: str | None = fields.optional(default_of("text"))
    encrypt: bool = fields.optional(fields.boolean, default=False)


@dataclass(frozen=True, kw_only=True)
class UpdateTextAttributeInput(UpdateAttributeInput):
    default: str | None = fields.required(default_of("text"), nullable=True)


@dataclass(frozen=True, kw_only=True)
class CreateEmailAttributeInput(CreateAttributeInput):
    default: str | None = fields.optional(default_of("email"))


@dataclass(frozen=True, kw_only=True)
class UpdateEmailAttributeInput(UpdateAttributeInput):
    default: str | None = fields.required(default_of("email"), nullable=True)


@dataclass(frozen=True, kw_only=True)
class CreateUrlAttributeInput(CreateAttributeInput):
    default: str | None = fields.optional(default_of("url"))


@dataclass(frozen=True, kw_only=True)
class UpdateUrlAttributeInput(UpdateAttributeInput):
    default: str | None = fields.required(default_of("url"), nullable=True)


@dataclass(frozen=True, kw_only=True)
class CreateIpAttributeInput(CreateAttributeInput):
    default: str | None = fields.optional(default_of("ip"))


@dataclass(frozen=True, kw_only=True)
class UpdateIpAttributeInput(UpdateAttributeInput):
    default: str | None = fields.required(default_of("ip"), nullable=True)


@dataclass(frozen=True, kw_only=True)
class CreateEnumAttributeInput(CreateAttributeInput):
    elements: list[str] = fields.required(ELEMENTS)
    default: str | None = fields.optional(default_of("enum"))


@dataclass(frozen=True, kw_only=True)
class UpdateEnumAttributeInput(UpdateAttributeInput):
    elements: list[str] = fields.required(ELEMENTS)
    default: str | None = fields.required(default_of("enum"), nullable=True)


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


@dataclass(frozen=True, kw_only=True)
class CreatePointAttributeInput(CreateSingleAttributeInput):
    default: list[Any] | None = fields.optional(default_of("point"))


@dataclass(frozen=True, kw_only=True)
class UpdatePointAttributeInput(UpdateAttributeInput):
    default: list[Any] | None = fields.optional(default_of("point"))


@dataclass(frozen=True, kw_only=True)
class CreateLineAttributeInput(CreateSingleAttributeInput):
    default: list[Any] | None = fields.optional(default_of("line"))


@dataclass(frozen=True, kw_only=True)
class UpdateLineAttributeInput(UpdateAttributeInput):
    default: list[Any] | None = fields.optional(default_of("line"))


@dataclass(frozen=True, kw_only=True)
class CreatePolygonAttributeInput(CreateSingleAttributeInput):
    default: list[Any] | None = fields.optional(default_of("polygon"))


@dataclass(frozen=True, kw_only=True)
class UpdatePolygonAttributeInput(UpdateAttributeInput):
    default: list[Any] | None = fields.optional(default_of("polygon"))


CREATE_INPUTS: Mapping[str, type[CreateSingleAttributeInput]] = {
    "string": CreateStringAttributeInput,
    "varchar": CreateVarcharAttributeInput,
    "text": CreateTextAttributeInput,
    "mediumtext": CreateTextAttributeInput,
    "longtext": CreateTextAttributeInput,
    "email": CreateEmailAttributeInput,
    "url": CreateUrlAttributeInput,
    "ip": CreateIpAttributeInput,
    "enum": CreateEnumAttributeInput,
    "integer": CreateIntegerAttributeInput,
    "bigint": CreateIntegerAttributeInput,
    "float": CreateFloatAttributeInput,
    "boolean": CreateBooleanAttributeInput,
    "datetime": CreateDatetimeAttributeInput,
    "point": CreatePointAttributeInput,
    "line": CreateLineAttributeInput,
    "polygon": CreatePolygonAttributeInput,
}
UPDATE_INPUTS: Mapping[str, type[UpdateAttributeInput]] = {
    "string": UpdateStringAttributeInput,
    "varchar": UpdateVarcharAttributeInput,
    "text": UpdateTextAttributeInput,
    "mediumtext": UpdateTextAttributeInput,
    "longtext": UpdateTextAttributeInput,
    "email": UpdateEmailAttributeInput,
    "url": UpdateUrlAttributeInput,
    "ip": UpdateIpAttributeInput,
    "enum": UpdateEnumAttributeInput,
    "integer": UpdateIntegerAttributeInput,
    "bigint": UpdateIntegerAttributeInput,
    "float": UpdateFloatAttributeInput,
    "boolean": UpdateBooleanAttributeInput,
    "datetime": UpdateDatetimeAttributeInput,
    "point": UpdatePointAttributeInput,
    "line": UpdateLineAttributeInput,
    "polygon": UpdatePolygonAttributeInput,
}


def read_attribute(type_: str, source: Mapping[str, Any]) -> AttributeRequest:
    """Read the attribute of one type that a client asks for.

    Raises: ARGUMENT_INVALID
    """
    return AttributeRequest(type=type_, **as_dict(read_input(CREATE_INPUTS[type_], source)))
