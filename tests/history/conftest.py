"""What the tests of remote read share: applications with limits of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service.application import Application
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.conftest import publish_report

OpenLimited = Callable[..., tuple[Application, FlaskClient]]


@pytest.fixture
def limited(tmp_path: Path, definitions: Definitions) -> Iterator[OpenLimited]:
    """Opens the published report with these settings."""
    with ExitStack() as stack:

        def open_limited(**settings: float) -> tuple[Application, FlaskClient]:
            application = stack.enter_context(publish_report(tmp_path / "data", definitions, **settings))
            return application, make_app(application).test_client()

        yield open_limited
