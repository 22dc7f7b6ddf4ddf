"""What a connection says when it opens, read from its scope: query, headers, cookies, address."""

from collections.abc import Mapping
from typing import Any

from django.http.cookie import parse_cookie

from gateway.credentials import client_ip, read_target
from kernel.caller import Credentials
from realtime.services import Handshake
from realtime.subscriptions import UrlForm


def read_handshake(scope: Mapping[str, Any], form: UrlForm) -> Handshake:
    """Collect credentials as HTTP does, with query parameters where browsers can set no header.

    API keys are left out: there is no socket for them.
    """
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    query = form.parameters
    client = scope.get("client")
    credentials = Credentials(
        jwt=headers.get(b"x-appwrite-jwt", "") or query.get("jwt", ""),
        session=headers.get(b"x-appwrite-session", ""),
        cookies=parse_cookie(headers.get(b"cookie", "")),
        fallback_cookies=headers.get(b"x-fallback-cookies", ""),
        mode=headers.get(b"x-appwrite-mode", "") or query.get("mode", ""),
        dev_key=headers.get(b"x-appwrite-dev-key", "") or query.get("devKey", ""),
        origin=headers.get(b"origin", ""),
        ip=client_ip(client[0] if client else "", headers.get(b"x-forwarded-for", "")),
        user_agent=headers.get(b"user-agent", ""),
        target=read_target({name.decode("latin-1"): each for name, each in headers.items()}, query),
    )
    return Handshake(
        project_uid=form.project or headers.get(b"x-appwrite-project", ""),
        credentials=credentials,
    )
