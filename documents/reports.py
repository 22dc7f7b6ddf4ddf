"""What is told of an import."""

from dataclasses import dataclass, field

from kernel.errors import Kind


@dataclass(frozen=True, slots=True)
class LineError:
    """Why the document of a line was not imported."""

    line: int
    kind: Kind
    message: str


@dataclass(slots=True)
class Report:
    """How far an import got. What was read was created, existed already, or is an error.

    It is complete when nothing is left to read; if not, it goes on with the line `next_line`.
    """

    import_id: str
    read: int = 0
    created: int = 0
    existing: int = 0
    #: Those of the last batch that existed.
    existing_uids: set[str] = field(default_factory=set)
    errors: list[LineError] = field(default_factory=list)
    next_line: int = 1
    is_complete: bool = False
