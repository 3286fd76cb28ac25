"""Who a request is from, for sharing places fairly: the token it brings, or else its address."""

from __future__ import annotations

import hashlib

from flask import request


def find_client() -> str:
    """Return a name of the client of the request at hand; a token itself is in no name."""
    if authorization := request.headers.get("Authorization"):
        return hashlib.sha256(authorization.encode("utf-8", "replace")).hexdigest()
    return request.remote_addr or "unknown"
