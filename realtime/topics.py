"""Which channels an event is heard on: a pure function of its name (reference: events.json)."""

from dataclasses import dataclass
from functools import lru_cache

from kernel.event_names import ACTIONS, EventName, parse

CACHED_NAMES = 4096

#: What happens to these is news for the project's owners, on connections to the console.
_CONSOLE_ONLY = frozenset(
    {"indexes", "attributes", "columns", "deployments", "rules", "migrations", "policies"}
)


@dataclass(frozen=True, slots=True)
class Topics:
    """Channel names on connections to the event's own project, and to the project `console`."""

    project: tuple[str, ...] = ()
    console: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.project or self.console)


@lru_cache(maxsize=CACHED_NAMES)
def topics(name: str, project_uid: str) -> Topics:
    """Return the channels of the event `name`, the ones for a single action last."""
    event = parse(name)
    kind = event.kinds[-1]
    if kind in _CONSOLE_ONLY:
        return Topics(console=_console(project_uid))
    plain, with_action = _project_channels(event)
    if not plain:
        return Topics()
    channels = plain
    if with_action and event.action in ACTIONS:
        channels += tuple(f"{channel}.{event.action}" for channel in plain)
    console = _console(project_uid) if kind == "executions" else ()
    return Topics(project=channels, console=console)


def is_heard(name: str, project_uid: str) -> tuple[bool, bool]:
    """Tell whether the event `name` has channels, and whether it has some on the console.

    Ids play no part in it: what is known of one document is known of all.
    """
    parts = name.split(".")
    parts[1::2] = ["*"] * (len(parts) // 2)
    heard = topics(".".join(parts), project_uid)
    return bool(heard.project), bool(heard.console)


def _console(project_uid: str) -> tuple[str, ...]:
    return ("console", f"projects.{project_uid}")


def _project_channels(event: EventName) -> tuple[tuple[str, ...], bool]:
    """The channels of the thing itself, and whether each also exists for single actions."""
    match event.kinds:
        case ("users", *below):
            has_actions = not below and "." not in event.attribute
            return ("account", f"account.{event.ids[0]}"), has_actions
        case ("databases" | "tablesdb", _, "documents" | "rows"):
            return _documents(*event.ids), True
        case ("documentsdb" | "vectorsdb" as product, _, "documents"):
            return ("documents", *_list_and_item(product, event.ids)), True
        case ("buckets", "files"):
            bucket, file = event.ids
            return ("files", f"buckets.{bucket}.files", f"buckets.{bucket}.files.{file}"), True
        case ("functions", "executions"):
            function, execution = event.ids
            return ("executions", f"executions.{execution}", f"functions.{function}"), True
        case ("teams" | "presences" as word,) | ("teams", "memberships" as word):
            return (word, f"{word}.{event.ids[-1]}"), True
        case ("reports", *below):
            return _reports(event.ids, has_insights=bool(below)), False
        case _:
            return (), False


def document_lists(database: str, collection: str) -> tuple[str, str, str]:
    """Return the channels of all documents of a collection."""
    return (
        f"databases.{database}.collections.{collection}.documents",
        f"databases.{database}.tables.{collection}.rows",
        f"tablesdb.{database}.tables.{collection}.rows",
    )


def _documents(database: str, collection: str, document: str) -> tuple[str, ...]:
    lists = document_lists(database, collection)
    legacy, tables, tablesdb = ((each, f"{each}.{document}") for each in lists)
    return ("documents", *legacy, "rows", *tables, *tablesdb)


def _list_and_item(product: str, ids: tuple[str, ...]) -> tuple[str, str]:
    database, collection, document = ids
    documents = f"{product}.{database}.collections.{collection}.documents"
    return documents, f"{documents}.{document}"


def _reports(ids: tuple[str, ...], *, has_insights: bool) -> tuple[str, ...]:
    report = f"reports.{ids[0]}"
    if not has_insights:
        return ("reports", report)
    return ("reports", report, f"{report}.insights", f"{report}.insights.{ids[1]}")
