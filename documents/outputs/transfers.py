"""Imports as answers."""

from typing import Any

from documents.reports import Report


def import_report_output(report: Report) -> dict[str, Any]:
    """Return the model `ImportReport`, which is of our own."""
    return {
        "importId": report.import_id,
        "total": report.read,
        "created": report.created,
        "existing": report.existing,
        "failed": len(report.errors),
        "errors": [
            {"line": each.line, "type": each.kind.type, "message": each.message}
            for each in report.errors
        ],
        "isComplete": report.is_complete,
        "nextLine": report.next_line,
    }
