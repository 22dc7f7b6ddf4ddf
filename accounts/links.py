"""Links in mails: only to places that belong to a project, and never by what a header says."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings

from kernel.caller import ProjectContext
from kernel.errors import invalid

APP_PAGE = "auth/magic-url"
#: Browsers read a backslash as a slash, Python does not: the host would be another one.
_AMBIGUOUS = frozenset("\\")
#: Anybody's development server answers to this scheme.
_FOREIGN_SCHEMES = frozenset({"exp"})


def app_page() -> str:
    """Return the address of this server's page that hands a mailed secret to a project's app."""
    return f"{settings.PUBLIC_URL}/{APP_PAGE}"


def app_link(project_uid: str, **parameters: str) -> str:
    """Return a link that opens a project's app, by the scheme of its own."""
    return link_to(f"appwrite-callback-{project_uid}://", project=project_uid, **parameters)


def check_link(project: ProjectContext, url: str, *, name: str = "url") -> None:
    """Check that a URL, the parameter `name`, leads to a platform of the project or to this server.

    Raises: ARGUMENT_INVALID
    """
    parts = urlsplit(url)
    own_host = urlsplit(settings.PUBLIC_URL).hostname or ""
    is_plain = _AMBIGUOUS.isdisjoint(url) and "@" not in parts.netloc
    is_own = parts.scheme not in _FOREIGN_SCHEMES and project.accepts_origin(url, own_host)
    if not is_plain or not is_own:
        raise invalid(name, "URL host must be that of a platform of the project")


def link_to(url: str, **parameters: str) -> str:
    """Return a URL with parameters in its query, where they replace those of the same name."""
    parts = urlsplit(url)
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in parameters
    ]
    made = parts._replace(query=urlencode([*kept, *parameters.items()])).geturl()
    # Of an app's own scheme, which names no host, Python leaves the slashes out.
    is_bare = not parts.netloc and url.lower().startswith(f"{parts.scheme}://")
    return made.replace(":", "://", 1) if is_bare else made
