"""What goes wrong with a provider."""


class ProviderError(Exception):
    """A provider that refuses, cannot be reached, or says what cannot be believed."""
