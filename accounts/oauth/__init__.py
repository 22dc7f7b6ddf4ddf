"""The other side of sign-in by OAuth2: providers, their ID tokens, and what they say of a user."""
