"""The choice between the running service and this process, with one policy for concurrent commands."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from service.client.protocol import Client
from service.client.remote import RemoteClient, is_running
from service.errors import WarehouseLocked
from service.settings import Settings

# Another command locks the warehouse while it works. Wait this long for each of them.
WAIT_SECONDS = 30.0
RETRY_SECONDS = 0.1

T = TypeVar("T")


def use_client(settings: Settings, work: Callable[[Client], T]) -> T:
    """Return the result of `work` with the running service, or in this process if none runs.

    Waits while another command has the warehouse open. Raises WarehouseLocked if it is the same process for WAIT_SECONDS, and
    the errors of `work`, which must not change anything before its first call of the client.
    """
    holder, deadline = "", 0.0
    while True:
        if is_running(settings.data_dir):
            return work(RemoteClient(settings.data_dir))
        # Imported only without a service: the import takes a third of the start of a command.
        from service.client.local import LocalClient

        client = LocalClient(settings)
        try:
            return work(client)
        except WarehouseLocked as locked:
            # The text names the holder. It changes while a queue of commands moves on.
            if str(locked) != holder:
                holder, deadline = str(locked), time.monotonic() + WAIT_SECONDS
            if time.monotonic() > deadline:
                raise
        finally:
            client.close()
        time.sleep(RETRY_SECONDS)
