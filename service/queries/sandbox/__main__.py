"""Starts a worker without capabilities and with its timer blocked, before imports start threads: each thread has its own."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from service.queries.sandbox.isolation import drop_capabilities
from service.system.imports import disable_optional_imports

if __name__ == "__main__":
    drop_capabilities()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    disable_optional_imports("pandas")
    from service.queries.sandbox.worker import main

    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
