"""DuckDB with the extensions of the lake, in a database of its own: the warehouse's connection loads no extension."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import duckdb

from service.errors import LakeError, LakeUnavailable
from service.lake.address import GROUP, LakeAddress
from service.lake.answer_watch import AnswerWatch
from service.warehouse.connection import Resources
from service.warehouse.database import Connection

EXTENSIONS = ("httpfs", "postgres_scanner", "ducklake")
# A server that does not answer must not delay a load for minutes.
HTTP_SECONDS, HTTP_RETRIES = 10, 2
# Beside that of the warehouse. Rows are streamed to and from Parquet files; a sort of a whole table uses temporary files.
MEMORY_LIMIT = "1GB"


def quote(text: str) -> str:
    """Return a text as a literal of SQL, where a parameter is not possible."""
    return "'" + text.replace("'", "''") + "'"


def find_extension(name: str) -> Path:
    """Return the file of an extension from its Python package, for this version of DuckDB. Raises LakeError."""
    spec = find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        raise LakeError(GROUP)
    file = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not file.exists():
        raise LakeError(
            f"the package duckdb-extension-{name.replace('_', '-')} has no extension for DuckDB {duckdb.__version__}; "
            f"install the version of the lake group: pip install -e '.[lake]'"
        )
    return file


@dataclass
class LakeEngine:
    """A connection to the lake, attached as `lake`. Opened when it is first used, and again after an error."""

    address: LakeAddress
    resources: Resources
    _connection: Connection | None = None
    _watch: AnswerWatch | None = None
    # One transaction at a time: maintenance and pulls are in different threads.
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """Yield the connection to one thread; it fails when PostgreSQL does not answer. Raises as `connect` does."""
        with self._turn:
            connection = self.connect()
            assert self._watch is not None
            with self._watch.watch(connection):
                yield connection

    def connect(self) -> Connection:
        """Return the connection. Raises LakeError and LakeUnavailable."""
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def close(self) -> None:
        """Close the connection. The next use opens another."""
        if self._connection is not None:
            with suppress(duckdb.Error):
                self._connection.close()
            self._connection = None
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def fail(self, error: duckdb.Error, is_commit: bool = False) -> LakeError | LakeUnavailable:
        """Close the connection, whose state is unknown after an error. Return the error of the service."""
        failure = self._watch.failure if self._watch is not None else None
        self.close()
        # PostgreSQL may have committed, and not answered.
        advice = "; look whether the change was recorded before you repeat it" if is_commit else ""
        if failure is not None:
            return LakeUnavailable(f"{failure}{advice}")
        text = str(error)
        if "ducklake_max_retry_count" in text and re.search(r"duplicate key|PRIMARY KEY|unique", text, re.IGNORECASE):
            return LakeUnavailable("another replica wrote to the lake at the same time; nothing was recorded, retry")
        reason = self.address.redact(text)
        if isinstance(error, duckdb.HTTPException) or "HTTP" in text or "s3://" in text:
            return LakeUnavailable(
                f"the data of the lake ({self.address.data}) cannot be reached: {reason}; start the server of the bucket, or "
                "correct A4P_LAKE_DATA and A4P_LAKE_S3_*"
            )
        return LakeUnavailable(f"the lake ({self.address}) cannot be used: {reason}{advice}")

    def _open(self) -> Connection:
        resources = self.resources
        # Not that of the warehouse: two databases would use files of one name.
        temporary = resources.temp_directory / "lake-engine"
        connection = duckdb.connect(
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "python_enable_replacements": "false",
                # Secrets stored by a user of DuckDB are not used; the extension of PostgreSQL fails without a storage for them.
                "secret_directory": str(temporary / "no-secrets"),
                "threads": str(resources.threads),
                "memory_limit": MEMORY_LIMIT,
                "temp_directory": str(temporary),
            }
        )
        try:
            connection.execute("set TimeZone = 'UTC'")
            for name in EXTENSIONS:
                # DuckDB verifies the signature of each.
                connection.execute(f"load {quote(str(find_extension(name)))}")
            connection.execute(f"set http_timeout = {HTTP_SECONDS}")
            connection.execute(f"set http_retries = {HTTP_RETRIES}")
            # A commit succeeds only on the snapshot it was made from (docs/decisions/lake.md).
            connection.execute("set ducklake_max_retry_count = 0")
            self._create_secret(connection)
            self._watch = AnswerWatch(self.address)
            self._watch.start()
            with self._watch.watch(connection):
                connection.execute(
                    f"attach {quote('ducklake:postgres:' + self.address.duckdb_connection)} as lake "
                    f"(data_path {quote(self.address.data)}, data_inlining_row_limit 0)"
                )
        except duckdb.Error as error:
            with suppress(duckdb.Error):
                connection.close()
            raise self.fail(error) from None
        except BaseException:
            connection.close()
            self.close()
            raise
        return connection

    def _create_secret(self, connection: Connection) -> None:
        s3 = self.address.s3
        if s3 is None:
            return
        options = [
            "type s3", f"key_id {quote(s3.key_id)}", f"secret {quote(s3.secret)}", f"region {quote(s3.region)}",
            f"use_ssl {str(s3.has_tls).lower()}",
        ]  # fmt: skip
        if s3.endpoint:
            options += [f"endpoint {quote(s3.endpoint)}", "url_style 'path'"]
        connection.execute(f"create secret lake_data ({', '.join(options)})")
