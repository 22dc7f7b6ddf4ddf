"""What a provider gave for a user, encrypted: good for the row it was stored in alone."""

from typing import Any

from accounts.models import Identity
from accounts.oauth.engine import Tokens
from projects.encryption import DecryptionError, decrypt, encrypt

ENCRYPTED_FOR = "identity"


def sealed(tokens: Tokens, *, project_id: int, identity_uid: str) -> dict[str, Any]:
    """Return the columns of an identity that hold these tokens."""
    texts = {
        "access_token": tokens.access,
        "refresh_token": tokens.refresh,
        "id_token": tokens.id_token,
    }
    return {"access_token_expires_at": tokens.expires_at} | {
        name: encrypt(
            text,
            project_id=project_id,
            purpose=ENCRYPTED_FOR,
            bound_to=f"{identity_uid}/{name}",
        )
        if text
        else ""
        for name, text in texts.items()
    }


def opened(identity: Identity) -> Tokens:
    """Return the tokens of an identity; of those that cannot be read nothing is left."""
    return Tokens(
        access=_text(identity, "access_token"),
        refresh=_text(identity, "refresh_token"),
        id_token=_text(identity, "id_token"),
        expires_at=identity.access_token_expires_at,
    )


def _text(identity: Identity, name: str) -> str:
    stored = getattr(identity, name)
    if not stored:
        return ""
    try:
        return decrypt(
            stored,
            project_id=identity.project_id,
            purpose=ENCRYPTED_FOR,
            bound_to=f"{identity.uid}/{name}",
        )
    except DecryptionError:
        return ""
