"""Delays after failed attempts to sign in, per account and per address, that never lock anybody out for good."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_network

from service.access.store import AccessStore, Connection, read_time
from service.errors import SignInDelayed

WINDOW = timedelta(minutes=15)
# Failures within the window before a delay begins, of an account and of an address.
FREE_BY_ACCOUNT, FREE_BY_ADDRESS = 5, 20
MAX_DELAY_SECONDS = 60
# Providers give each customer at least such a network.
IPV6_PREFIX = 64
# An address from which a user signed in so recently is not delayed by the attempts of others.
KNOWN_ADDRESS = timedelta(days=30)


def check_delay(store: AccessStore, connection: Connection, account: str, address: str) -> None:
    """Raise SignInDelayed while an account or address must wait.

    The delay doubles with each failure up to a minute. Unknown accounts have the same delays as existing ones.
    """
    address = _find_network(address)
    since = store.now(-WINDOW)
    (is_known,) = connection.execute(
        "select exists (select 1 from attempts where account = ? and address = ? and succeeded = 1 and at > ?)",
        [account, address, store.now(-KNOWN_ADDRESS)],
    ).fetchone()
    by_account, last_by_account = connection.execute(
        "select count(*), max(at) from attempts where account = ? and succeeded = 0 and at > ? and (? = 0 or address = ?)",
        [account, since, int(is_known), address],
    ).fetchone()
    by_address, last_by_address = connection.execute(
        "select count(*), max(at) from attempts where address = ? and succeeded = 0 and at > ?", [address, since]
    ).fetchone()
    left = max(
        _find_delay(store, by_account - FREE_BY_ACCOUNT, last_by_account),
        _find_delay(store, by_address - FREE_BY_ADDRESS, last_by_address),
    )
    if left > 0:
        raise SignInDelayed(left)


def record_attempt(store: AccessStore, connection: Connection, account: str, address: str, succeeded: bool) -> None:
    """Record an attempt, and delete those that are too old to count."""
    address = _find_network(address)
    connection.execute("insert into attempts values (?, ?, ?, ?)", [account, address, store.now(), int(succeeded)])
    connection.execute(
        "delete from attempts where at < ? or (succeeded = 0 and at < ?)",
        [store.now(-KNOWN_ADDRESS), store.now(-timedelta(days=1))],
    )
    if succeeded:
        connection.execute("delete from attempts where account = ? and address = ? and succeeded = 0", [account, address])


def _find_network(address: str) -> str:
    """Return an IPv4 address, or the network of an IPv6 address: one user or attacker has all addresses of a network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((int(parsed), IPV6_PREFIX), strict=False))


def _find_delay(store: AccessStore, over: int, last: str | None) -> int:
    if over < 0 or last is None:
        return 0
    wait = min(2**over, MAX_DELAY_SECONDS)
    return max(0, -int(-(wait - (store.clock() - read_time(last)).total_seconds()) // 1))
