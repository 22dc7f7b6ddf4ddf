"""Console pages of projects, their policies, API keys, platforms and OAuth2 providers."""

from projects.admin.policies import PolicyAdmin
from projects.admin.projects import KeyAdmin, OAuthProviderAdmin, PlatformAdmin, ProjectAdmin

__all__ = ["KeyAdmin", "OAuthProviderAdmin", "PlatformAdmin", "PolicyAdmin", "ProjectAdmin"]
