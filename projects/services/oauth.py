"""OAuth2 providers of a project: what it told each of them, with the secrets encrypted."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.db import transaction

from kernel import clock
from kernel.caller import Caller, ProjectContext
from kernel.errors import ApiError, ErrorKind, invalid
from kernel.query import QueryError, parse_queries
from projects.encryption import DecryptionError, decrypt, encrypt
from projects.models import OAuthProvider
from projects.oauth import PROVIDERS, Client, Provider
from projects.outputs import OAuthProviderList, OAuthProviderOutput, oauth_provider_output
from projects.services.access import readable_project, writable_project

ENCRYPTED_FOR = "oauth provider"

_logger = logging.getLogger(__name__)


def list_oauth2_providers(
    *, caller: Caller, project_id: str, queries: Sequence[str] = (), total: bool = True
) -> OAuthProviderList:
    """Return a page of the providers there are, with this project's settings.

    Raises: PROJECT_NOT_FOUND, ARGUMENT_INVALID
    """
    project = readable_project(caller, project_id)
    start, end = _page(queries)
    rows = {each.provider: each for each in OAuthProvider.objects.filter(project_id=project.id)}
    return {
        "total": len(PROVIDERS) if total else 0,
        "providers": [
            _output(provider, rows.get(provider.id))
            for provider in list(PROVIDERS.values())[start:end]
        ],
    }


def get_oauth2_provider(
    *, caller: Caller, project_id: str, provider_id: str
) -> OAuthProviderOutput:
    """Return a project's settings of a provider.

    Raises: PROJECT_NOT_FOUND, PROJECT_PROVIDER_UNSUPPORTED
    """
    project, provider = readable_project(caller, project_id), _provider(provider_id)
    return _output(provider, _rows(project, provider).first())


@transaction.atomic
def update_oauth2_provider(
    *,
    caller: Caller,
    project_id: str,
    provider_id: str,
    enabled: bool | None = None,
    settings: Mapping[str, Any],
) -> OAuthProviderOutput:
    """Change a project's settings of a provider, as far as given (by their public names).

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, PROJECT_PROVIDER_UNSUPPORTED, ARGUMENT_INVALID
    """
    project, provider = writable_project(caller, project_id), _provider(provider_id)
    OAuthProvider.objects.bulk_create(
        [OAuthProvider(project_id=project.id, provider=provider.id)], ignore_conflicts=True
    )
    # Two changes of one provider wait for each other: each keeps what the other set.
    row = _rows(project, provider).select_for_update().get()
    values = provider.with_defaults(row.settings | _secrets(row)) | dict(settings)
    if enabled is not None:
        row.is_enabled = enabled
    if row.is_enabled:
        _check_complete(provider, values)
    secret = {each.name: values.pop(each.name) for each in provider.settings if each.is_secret}
    row.settings, row.updated_at = values, clock.now()
    row.secrets = encrypt(
        orjson.dumps(secret).decode(),
        project_id=project.id,
        purpose=ENCRYPTED_FOR,
        bound_to=provider.id,
    )
    row.save(update_fields=["settings", "secrets", "is_enabled", "updated_at"])
    return _output(provider, row)


def find_oauth_client(project: ProjectContext, provider_id: str) -> Client | None:
    """Return what a provider has to be told to sign users of a project in, if it may."""
    provider = PROVIDERS.get(provider_id)
    # Who is a user of the console is its administrator: no provider makes one.
    if provider is None or project.is_console:
        return None
    row = _rows(project, provider).filter(is_enabled=True).first()
    if row is None:
        return None
    client = Client(provider, provider.with_defaults(row.settings | _secrets(row)))
    return None if provider.lacks(client.settings) else client


def _provider(provider_id: str) -> Provider:
    if provider_id not in PROVIDERS:
        raise ApiError(ErrorKind.PROJECT_PROVIDER_UNSUPPORTED)
    return PROVIDERS[provider_id]


def _rows(project: ProjectContext, provider: Provider) -> Any:
    return OAuthProvider.objects.filter(project_id=project.id, provider=provider.id)


def _secrets(row: OAuthProvider) -> dict[str, Any]:
    if not row.secrets:
        return {}
    try:
        text = decrypt(
            row.secrets,
            project_id=row.project_id,
            purpose=ENCRYPTED_FOR,
            bound_to=row.provider,
        )
    except DecryptionError:
        _logger.warning("the secrets of provider %s need to be entered anew", row.provider)
        return {}
    secrets: dict[str, Any] = orjson.loads(text)
    return secrets


def _check_complete(provider: Provider, values: Mapping[str, Any]) -> None:
    missing = provider.lacks(values)
    if provider.id == "oidc" and not values["wellKnownURL"]:
        missing += [
            name for name in ("authorizationURL", "tokenURL", "userInfoURL") if not values[name]
        ]
    if missing:
        raise invalid("enabled", f"{provider.title} cannot be used without {', '.join(missing)}")


def _output(provider: Provider, row: OAuthProvider | None) -> OAuthProviderOutput:
    if row is None:
        return oauth_provider_output(provider, {}, is_enabled=False)
    return oauth_provider_output(provider, row.settings, is_enabled=row.is_enabled)


def _page(texts: Sequence[str]) -> tuple[int, int]:
    try:
        query = parse_queries(texts)
    except QueryError as error:
        raise invalid("queries", str(error)) from None
    if query.conditions or query.orders or query.cursor or query.select is not None:
        raise invalid("queries", "Invalid query method: only limit and offset are known here")
    return query.offset, query.offset + query.limit
