"""The optional secret that a server and its clients share.

It is read from the environment alone, so that it is in no configuration, run folder or log.
"""

from __future__ import annotations

import hmac
import os

VARIABLE = "IGS_TOKEN"
"""Environment variable that holds it; empty or unset: anybody who reaches the server may ask."""


def authorization() -> dict[str, str]:
    """The header of a request; empty without a token."""
    token = os.environ.get(VARIABLE, "")
    return {"Authorization": f"Bearer {token}"} if token else {}


def is_authorized(header: str | None) -> bool:
    """Whether a request's header holds the token, if there is one."""
    wanted = authorization().get("Authorization")
    return wanted is None or hmac.compare_digest((header or "").encode(), wanted.encode())
