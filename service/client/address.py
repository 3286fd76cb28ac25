"""The Unix socket in the data directory: its file, its address and its secret."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from service.errors import HandoffError, WarehouseError

SOCKET_NAME = "a4p.sock"
SECRET_NAME, SECRET_HEADER = "a4p.secret", "X-A4P-Secret"


def connect(data_dir: Path, timeout_seconds: float) -> socket.socket:
    """Return a connection to the socket, which then has no timeout. Raises OSError."""
    address, directory = _shorten_path(data_dir)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout_seconds)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    finally:
        os.close(directory)
    connection.settimeout(None)
    return connection


def listen(data_dir: Path) -> socket.socket:
    """Return a listening socket that only this user can open. The caller opened the warehouse: an existing file is stale."""
    try:
        (data_dir / SOCKET_NAME).unlink(missing_ok=True)
    except OSError as error:
        raise WarehouseError(
            f"{data_dir / SOCKET_NAME} is in the way of the socket and cannot be removed: {error.strerror}; remove it and "
            "start again"
        ) from None
    listener = socket.socket(socket.AF_UNIX)
    address, directory = _shorten_path(data_dir)
    # With this mask the file is private from the beginning; after a later chmod another user could already be connected.
    earlier_mask = os.umask(0o177)
    try:
        listener.bind(address)
    except OSError as error:
        raise WarehouseError(f"the socket {data_dir / SOCKET_NAME} cannot be made: {error.strerror}") from None
    finally:
        os.umask(earlier_mask)
        os.close(directory)
    listener.listen()
    return listener


def write_secret(data_dir: Path) -> str:
    """Write a new secret of the socket, readable only by this user, and return it. Raises WarehouseError."""
    secret = secrets.token_urlsafe(32)
    file = data_dir / SECRET_NAME
    try:
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as stream:
            stream.write(secret)
    except OSError as error:
        raise WarehouseError(f"the secret of the socket cannot be written to {file}: {error.strerror}") from None
    return secret


def read_secret(data_dir: Path) -> str:
    """Return the secret, or an empty string if there is none: earlier versions have none. Raises HandoffError."""
    file = data_dir / SECRET_NAME
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise HandoffError(f"the secret of the service cannot be read from {file} ({error}); restart the service") from None


def _shorten_path(data_dir: Path) -> tuple[str, int]:
    """Return a path of the socket that fits a Unix address (108 bytes), and the open directory in it."""
    directory = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    return f"/proc/self/fd/{directory}/{SOCKET_NAME}", directory
