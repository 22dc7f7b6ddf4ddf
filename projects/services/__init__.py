"""Use cases of tenancy: projects, their API keys and platforms."""

from projects.services.access import WRITER_ROLES, may_manage, may_see, operator
from projects.services.directory import drop_project, find_project, known_project
from projects.services.keys import create_key, delete_key, get_key, list_keys, update_key
from projects.services.mock_phones import (
    create_mock_phone,
    delete_mock_phone,
    find_mock_code,
    get_mock_phone,
    list_mock_phones,
    replace_mock_phones,
    update_mock_phone,
)
from projects.services.oauth import (
    find_oauth_client,
    get_oauth2_provider,
    list_oauth2_providers,
    update_oauth2_provider,
)
from projects.services.passkey_origins import console_origins, passkey_origins
from projects.services.platforms import (
    create_platform,
    delete_platform,
    get_platform,
    list_platforms,
    update_platform,
)
from projects.services.policies import get_policy, list_policies, update_policy
from projects.services.projects import (
    adopt_projects,
    create_project,
    delete_project,
    get_project,
    list_projects,
    update_auth_method,
    update_project,
    update_protocol,
    update_service,
    update_settings,
    update_team,
)
from projects.services.smtp import SmtpServer, smtp_server, update_smtp

__all__ = [
    "WRITER_ROLES",
    "SmtpServer",
    "adopt_projects",
    "console_origins",
    "create_key",
    "create_mock_phone",
    "create_platform",
    "create_project",
    "delete_key",
    "delete_mock_phone",
    "delete_platform",
    "delete_project",
    "drop_project",
    "find_mock_code",
    "find_oauth_client",
    "find_project",
    "get_key",
    "get_mock_phone",
    "get_oauth2_provider",
    "get_platform",
    "get_policy",
    "get_project",
    "known_project",
    "list_keys",
    "list_mock_phones",
    "list_oauth2_providers",
    "list_platforms",
    "list_policies",
    "list_projects",
    "may_manage",
    "may_see",
    "operator",
    "passkey_origins",
    "replace_mock_phones",
    "smtp_server",
    "update_auth_method",
    "update_key",
    "update_mock_phone",
    "update_oauth2_provider",
    "update_platform",
    "update_policy",
    "update_project",
    "update_protocol",
    "update_service",
    "update_settings",
    "update_smtp",
    "update_team",
]
