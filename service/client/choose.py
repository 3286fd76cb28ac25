"""The choice between the running service and this process, with one policy for concurrent commands."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from service.client.protocol import Client
from service.client.remote import RemoteClient, is_running
from service.errors import WarehouseLocked
from service.settings import Settings

# Another command locks the warehouse while it works. Wait this long for each of them.
WAIT_SECONDS = 30.0
# Each attempt opens the warehouse. With a growing delay, many waiting commands leave the processor to the one that works.
FIRST_DELAY_SECONDS = 0.1
MAX_DELAY_SECONDS = 1.0

T = TypeVar("T")


def use_client(settings: Settings, work: Callable[[Client], T]) -> T:
    """Return the result of `work` with the running service, or in this process if none runs.

    Waits while another command has the warehouse open. Raises WarehouseLocked if it is the same process for WAIT_SECONDS, and
    the errors of `work`, which must not change anything before its first call of the client.
    """
    holder, deadline, delay = "", 0.0, FIRST_DELAY_SECONDS
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
        # Random, so that commands that started together do not retry together.
        time.sleep(random.uniform(delay / 2, delay))
        delay = min(2 * delay, MAX_DELAY_SECONDS)
