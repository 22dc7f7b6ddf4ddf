"""Parameters of imports and exports."""

from dataclasses import dataclass

from documents.inputs.paths import CollectionInput
from documents.records import FORMATS, JSON_LINES
from kernel.fields import integer, one_of, optional, text
from kernel.limits import MAX_IMPORT_ERRORS

_MAX_IMPORT_ID_LENGTH = 128


@dataclass(frozen=True, kw_only=True)
class ImportInput(CollectionInput):
    format: str = optional(one_of(FORMATS), default=JSON_LINES)
    import_id: str = optional(text(_MAX_IMPORT_ID_LENGTH), default="")
    from_line: int = optional(integer(1), default=1)
    max_errors: int = optional(integer(1, MAX_IMPORT_ERRORS), default=MAX_IMPORT_ERRORS)


@dataclass(frozen=True, kw_only=True)
class ExportInput(CollectionInput):
    format: str = optional(one_of(FORMATS), default=JSON_LINES)
    after: int = optional(integer(0), default=0)
