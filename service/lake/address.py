"""The address of a lake: its catalog in PostgreSQL, and the path and credentials of its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from service.errors import LakeError
from service.settings import Settings

PREFIX = "ducklake:postgres:"
# With these a connection to a machine that disappeared ends after 11 seconds, at both ends: an idle one by keepalives, one with
# unacknowledged data by the user timeout (milliseconds), as no keepalives are sent then.
TIMEOUTS = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "user_timeout": 11_000}
CONNECT_SECONDS = 5
# PostgreSQL ends a statement of DuckDB after this time, such as a commit that waits for a standby server: before other replicas
# give up waiting for the lock of the writer.
STATEMENT_SECONDS = 120
GROUP = "the lake needs further packages; install them with: pip install -e '.[lake]'"


@dataclass(frozen=True)
class S3:
    """An S3-compatible server and its credentials. Without an endpoint it is Amazon's."""

    endpoint: str
    region: str
    key_id: str
    secret: str = field(repr=False)
    has_tls: bool = True


@dataclass(frozen=True)
class LakeAddress:
    """`connection` is a libpq connection string; `data` a directory or an s3:// URL. str() has no passwords.

    `options` are those of the connection string for the session in the server. `duckdb_connection` has all options of DuckDB's.
    """

    connection: str = field(repr=False)
    name: str
    data: str
    s3: S3 | None
    secrets: tuple[str, ...] = field(repr=False, default=())
    options: str = field(repr=False, default="")

    def __str__(self) -> str:
        return self.name

    @property
    def duckdb_connection(self) -> str:
        from psycopg.conninfo import make_conninfo

        options = f"-c statement_timeout={STATEMENT_SECONDS}s {self.make_options()}"
        return make_conninfo(self.connection, options=options, application_name="a4p lake")

    def make_options(self, **settings: object) -> str:
        """Return the options of a session. Those of the connection string replace timeouts, and the settings replace both."""
        timeouts = {f"tcp_{name}": value for name, value in TIMEOUTS.items()}
        return " ".join(part for part in (_list_options(timeouts), self.options, _list_options(settings)) if part)

    def redact(self, text: str) -> str:
        """Return the first line of a text without passwords."""
        line = (text.splitlines() or [""])[0]
        for secret in (self.duckdb_connection, self.connection, *self.secrets):
            line = line.replace(secret, "***")
        return line


def read_address(settings: Settings) -> LakeAddress:
    """Return the lake of the settings. Raises LakeError when they are incomplete or packages are missing."""
    return make_address(settings.warehouse.get_secret_value(), settings)


def make_address(warehouse: str, settings: Settings) -> LakeAddress:
    """Return the lake of a value of A4P_WAREHOUSE, with the other settings of lakes. Raises LakeError."""
    if not warehouse.startswith(PREFIX):
        # Not quoted: it may have a password.
        raise LakeError(
            "A4P_WAREHOUSE is neither embedded nor a lake; for a lake write 'ducklake:postgres:' and a connection string of "
            "PostgreSQL, such as 'host=db.example.org dbname=a4p user=a4p'"
        )
    if find_spec("psycopg") is None:
        raise LakeError(GROUP)
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    try:
        given = conninfo_to_dict(warehouse.removeprefix(PREFIX))
    except psycopg.Error:
        raise LakeError("A4P_WAREHOUSE has an invalid connection string of PostgreSQL after 'ducklake:postgres:'") from None
    if not settings.lake_data:
        raise LakeError("A4P_LAKE_DATA is not set; set it to the place of the lake's files, such as s3://bucket/a4p")
    data = settings.lake_data if "://" in settings.lake_data else str(Path(settings.lake_data).absolute())
    s3 = _read_s3(settings) if data.startswith("s3://") else None
    secrets = tuple(str(secret) for secret in (given.get("password"), s3.secret if s3 else None) if secret)
    place = f"{given.get('host', 'local socket')}:{given.get('port', 5432)}/{given.get('dbname', given.get('user', ''))}"
    timeouts = {name if name.startswith("keepalives") else f"tcp_{name}": value for name, value in TIMEOUTS.items()}
    parameters = {"connect_timeout": CONNECT_SECONDS, **timeouts, **given}
    connection = make_conninfo(**{name: str(value) for name, value in parameters.items() if value is not None})
    return LakeAddress(connection, f"PostgreSQL {place}", data, s3, secrets, str(given.get("options") or ""))


def _list_options(settings: Mapping[str, object]) -> str:
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _read_s3(settings: Settings) -> S3:
    if settings.lake_s3_secret_file is None:
        raise LakeError("A4P_LAKE_S3_SECRET_FILE is not set; name the file with the secret key of the bucket")
    try:
        secret = settings.lake_s3_secret_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise LakeError(f"A4P_LAKE_S3_SECRET_FILE: {settings.lake_s3_secret_file} cannot be read: {error}") from None
    return S3(settings.lake_s3_endpoint, settings.lake_s3_region, settings.lake_s3_key_id, secret, settings.lake_s3_tls)
