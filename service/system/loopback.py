"""Loopback addresses: those that only processes of this machine reach."""

from __future__ import annotations

from ipaddress import ip_address

LOOPBACK_NAMES = frozenset(["localhost", "127.0.0.1", "::1"])


def is_loopback(host: str) -> bool:
    """Return whether a host to bind is a loopback address."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
