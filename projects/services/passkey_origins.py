"""Web origins on which passkeys work: those of a project's own platforms, or of the console."""

from django.conf import settings

from kernel.addresses import is_address
from projects.catalog import APPLE, LOCALHOST, WEB
from projects.models import Platform


def passkey_origins(project_id: int, domain: str) -> list[str]:
    """Return the origins that may ask for passkeys of a domain; `*.` stands for any subdomain.

    Apple's apps ask from the domain itself. A local page needs no TLS.
    """
    rows = Platform.objects.filter(project_id=project_id, type__in=(WEB, APPLE))
    platforms = list(rows.order_by("id").values_list("type", "hostname"))
    if domain == LOCALHOST:
        is_local = settings.IS_PUBLIC_URL_LOCAL or (WEB, LOCALHOST) in platforms
        return _local_origins() if is_local else []
    names = [domain if kind == APPLE else host.lower() for kind, host in platforms]
    own = [name for name in names if f".{name.removeprefix('*.')}".endswith(f".{domain}")]
    return [f"https://{name}" for name in dict.fromkeys(own)]


def console_origins(domain: str) -> list[str]:
    """Return the origins of the console's pages that may ask for passkeys of a domain."""
    if domain == LOCALHOST:
        return _local_origins() if settings.IS_PUBLIC_URL_LOCAL else []
    # Browsers know no passkeys of addresses, nor any without TLS.
    return [f"https://{domain}"] if settings.HAS_TLS and not is_address(domain) else []


def all_passkey_origins(project_id: int, domain: str) -> list[str]:
    """Return the origins of a project's domain, if it has set one, and the local ones."""
    local = passkey_origins(project_id, LOCALHOST)
    if domain in ("", LOCALHOST):
        return local
    return passkey_origins(project_id, domain) + local


def _local_origins() -> list[str]:
    return [f"http://{LOCALHOST}", f"https://{LOCALHOST}"]
