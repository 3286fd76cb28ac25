"""Passwords: hashing by Argon2id, and verification that takes the same time for unknown users."""

from __future__ import annotations

import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from service.errors import AccessError

MIN_LENGTH, MAX_LENGTH = 12, 1000
# Each verification takes 64 MB.
MAX_CONCURRENT = 2

_hasher = PasswordHasher()
_turns = threading.Semaphore(MAX_CONCURRENT)


@cache
def _hash_of_nobody() -> str:
    """Return the hash of a random password, verified for users that do not exist or have no password.

    Computed at first use, as every command imports this module.
    """
    return _hasher.hash(secrets.token_hex(16))


def hash_password(password: str, name: str = "") -> str:
    """Return the hash of a new password. Raises AccessError if it is too short, too long or the name of the user."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise AccessError(f"a password has {MIN_LENGTH} to {MAX_LENGTH:,} characters")
    if name and password.casefold().startswith(name.casefold()) and len(password) - len(name) < MIN_LENGTH // 2:
        raise AccessError("the password must not be the name of the user")
    with _turns:
        return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Return whether a password has a stored hash; False after the same time where there is none."""
    with _turns:
        # Also for users with a password: the first call takes as long for each.
        of_nobody = _hash_of_nobody()
        try:
            is_right = _hasher.verify(stored or of_nobody, password[: MAX_LENGTH + 1])
        except (Argon2Error, InvalidHashError):
            return False
    return is_right and stored is not None
