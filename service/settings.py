"""Settings of the service, read from command-line options, the environment and a TOML file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from service.errors import SettingsError
from service.jobs.schedule import CronSchedule
from service.warehouse.backups.retention import Retention
from service.warehouse.manifest import BACKUPS_NAME, READ_COPY_NAME, find_manifest

# Rows of one load, and what DuckDB may write to temporary files, unless set.
LOAD_MAX_ROWS = 20_000_000
MAX_TEMP_BYTES = 20_000_000_000

TREE = Path(__file__).resolve().parent.parent


def find_in_tree(name: str) -> Path:
    """Return the path of a directory of this checkout, such as `sql`, `metrics` or `grafana`."""
    return TREE / name


def _check_cron(expression: str) -> str:
    CronSchedule(expression, ZoneInfo("UTC"))
    return expression


def _check_timezone(name: str) -> str:
    # available_timezones() reads every file of time zones, which takes 40 ms.
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("not a time zone; use a name such as UTC or Africa/Nairobi") from None
    return name


def _split_names(names: object) -> object:
    return [name.strip() for name in names.split(",") if name.strip()] if isinstance(names, str) else names


Cron = Annotated[str, AfterValidator(_check_cron)]
TimeZone = Annotated[str, AfterValidator(_check_timezone)]
# In the environment, names are separated by commas instead of a JSON list.
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_names)]


def _default_threads() -> int:
    # One core stays free, so that scrapes do not wait for a snapshot.
    return max(1, (os.cpu_count() or 2) - 1)


class Settings(BaseSettings):
    """All settings. The environment variable is `A4P_` and the field name in upper case."""

    model_config = SettingsConfigDict(env_prefix="A4P_", extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="Address to bind.")
    port: int = Field(8000, ge=0, le=65535, description="Port to bind; 0 takes a free one.")
    allowed_hosts: Names = Field(
        (),
        description="Additional host names accepted in the Host header, separated by commas, such as `a4p,a4p.example.org`.",
    )
    language: Literal["en", "fr"] = Field(
        "en",
        description="Language of documents, and of pages if the browser prefers none of `en` and `fr`.",
    )
    data_dir: Path = Field(Path("data"), description="Directory of the warehouse, its read copy, backups and socket.")
    warehouse: SecretStr = Field(
        SecretStr("embedded"),
        description="`embedded`, or a lake: `ducklake:postgres:` with a connection string of PostgreSQL "
        "([scale.md](scale.md#several-replicas-the-lake)).",
        json_schema_extra={"shown_default": "`embedded`"},
    )
    lake_data: str = Field("", description="Place of the files of a lake: `s3://bucket/prefix` or a directory.")
    lake_s3_endpoint: str = Field(
        "", description="Host and port of an S3-compatible server, such as `minio.example.org:9000`; empty: Amazon S3."
    )
    lake_s3_region: str = Field("us-east-1", description="Region of the bucket of a lake.")
    lake_s3_key_id: str = Field("", description="Access key of the bucket of a lake.")
    lake_s3_secret_file: Path | None = Field(None, description="File with the secret key of the bucket of a lake.")
    lake_s3_tls: bool = Field(True, description="Whether the S3 server is reached over TLS.")
    user: str = Field("", description="User that a start as root changes to; owns the data directory.")
    group: str = Field("", description="Group that can read the read copy and the alerts token.")
    catalogue: Path = Field(
        default_factory=lambda: find_in_tree("metrics"),
        description="Directory of the catalogue.",
        json_schema_extra={"shown_default": "`metrics/`"},
    )
    snapshot_cron: Cron = Field(
        "0 * * * *", description="Schedule of snapshots (five-field cron). A load also computes a snapshot."
    )
    checkpoint_cron: Cron = Field("30 3 * * *", description="Schedule of checkpoints of the warehouse.")
    reminder_cron: Cron = Field("0 7 * * *", description="Schedule of mail to missions with overdue reports.")
    prune_cron: Cron = Field(
        "45 3 * * *",
        description="Schedule of the deletion of old backups, audit entries and sessions, and of the maintenance of a lake.",
    )
    timezone: TimeZone = Field("UTC", description="Time zone of the schedules.")
    keep_backups: int = Field(5, ge=1, description="Number of newest backups to retain, independent of their age.")
    keep_backups_hours: int = Field(
        24, ge=0, description="Number of hours for which the newest backup of the hour is retained."
    )
    keep_backups_days: int = Field(30, ge=0, description="Number of days for which the newest backup of the day is retained.")
    keep_backups_weeks: int = Field(
        12, ge=0, description="Number of weeks for which the newest backup of the week is retained."
    )
    keep_backups_months: int = Field(
        24, ge=0, description="Number of months for which the newest backup of the month is retained."
    )
    threads: int = Field(
        default_factory=_default_threads,
        ge=1,
        description="DuckDB threads.",
        json_schema_extra={"shown_default": "number of cores minus 1"},
    )
    memory_limit: str = Field("4GB", pattern=r"^\d+(\.\d+)?\s*[KMGT]i?B$", description="DuckDB memory limit.")
    max_temp_size: ByteSize = Field(
        ByteSize(MAX_TEMP_BYTES), ge=1, description="DuckDB limit of temporary files in data_dir/tmp, per open database."
    )
    load_max_rows: int = Field(LOAD_MAX_ROWS, ge=1, description="Maximum rows of one load, all its files together.")
    load_max_bytes: ByteSize = Field(ByteSize(64_000_000), ge=1, description="Maximum size of a file that is loaded over HTTP.")
    page_seconds: float = Field(20, gt=0, description="Maximum time for one page, chart, document or API response.")
    alerts_token_file: Path | None = Field(
        None,
        description="File with the token that Alertmanager sends.",
        json_schema_extra={"shown_default": "`alerts-token` in the data directory"},
    )
    alertmanager_url: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+[^\s?#/])?$",
        description="URL of Alertmanager, such as `http://127.0.0.1:9093`. Silences are sent to it; empty: nowhere.",
    )
    remote_read_lookback_seconds: int = Field(
        300, ge=1, description="Shortest --query.lookback-delta of the Prometheus servers that read the history."
    )
    remote_read_samples: int = Field(5_000_000, ge=1, description="Maximum samples per remote-read response.")
    remote_read_series: int = Field(200_000, ge=1, description="Maximum series per remote-read response.")
    remote_read_body_bytes: int = Field(1 << 20, ge=1, description="Maximum size of a remote-read request, compressed.")
    remote_read_request_bytes: int = Field(8 << 20, ge=1, description="Maximum size of a remote-read request, decompressed.")
    remote_read_seconds: float = Field(30, gt=0, description="Maximum time per remote-read request.")
    remote_read_concurrency: int = Field(4, ge=1, description="Concurrent remote-read requests; four times as many wait.")
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s/?#]+)?$",
        description="URL under which browsers reach the service, such as `https://a4p.example.org`, for links in mail.",
    )
    anonymous: Literal["read", "none"] | None = Field(
        None,
        description="Rights of requests without sign-in or token: `read` or `none`.",
        json_schema_extra={"shown_default": "`read` on a loopback address without a proxy, else `none`"},
    )
    prometheus_access: Literal["open", "token"] = Field(
        "open", description="Whether `/metrics`, `/api/v1/read` and `/-/` need a token of a reader: `open` or `token`."
    )
    proxy_addresses: Names = Field(
        (), description="Addresses of trusted reverse proxies, separated by commas; only they may name the user of a request."
    )
    proxy_user_header: str = Field(
        "", description="Header in which a trusted proxy names the user it has authenticated, such as `X-Remote-User`."
    )
    proxy_groups_header: str = Field("", description="Header in which a trusted proxy lists the groups of the user.")
    group_roles: Names = Field(
        (),
        description="Roles of groups of the OpenID provider or proxy, as `GROUP=ROLE` or `GROUP=ROLE:MISSION`, separated by "
        "commas. The group `*` is everybody.",
    )
    openid_issuer: str = Field("", pattern=r"^(https?://\S+)?$", description="Issuer URL of an OpenID provider.")
    openid_client_id: str = Field("", description="Client ID of this service at the provider.")
    openid_client_secret_file: Path | None = Field(None, description="File with the client secret.")
    openid_scopes: str = Field("openid profile email", description="Scopes to request; some providers need one for groups.")
    openid_groups_claim: str = Field("groups", description="Claim of the ID token with the groups of the user.")
    session_idle_minutes: int = Field(120, ge=1, description="Minutes without a request after which a session ends.")
    session_hours: int = Field(12, ge=1, description="Hours after which a session ends in any case.")
    smtp_server: str = Field(
        "",
        pattern=r"^(\S+:\d{1,5})?$",
        description="Mail server for alerts and messages about rounds, as host:port, such as `smtp.example.org:587`.",
    )
    smtp_from: str = Field("", pattern=r"^(\S+@\S+)?$", description="Sender of mail.")
    smtp_user: str = Field("", description="User of the mail server.")
    smtp_password_file: Path | None = Field(None, description="File with the password of the mail server.")
    smtp_tls: bool = Field(True, description="Whether the mail server must offer STARTTLS.")
    mail_critical: Names = Field((), description="Recipients of mail on critical alerts, separated by commas.")
    mail_warning: Names = Field((), description="Recipients of mail on warnings, separated by commas.")
    mail_info: Names = Field((), description="Recipients of mail on alerts of severity info, separated by commas.")
    webhook_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="URL to which Alertmanager posts every alert, such as that of a chat or ticket system.",
    )
    audit_days: int = Field(1095, ge=1, description="Days for which entries of the audit are retained.")
    sql_token: SecretStr = Field(
        SecretStr(""),
        description="Bearer token with the rights of a reader, for programs that query /api/v1/sql.",
    )
    sql_seconds: float = Field(10, gt=0, description="Maximum time per query of /api/v1/sql.")
    sql_rows: int = Field(100_000, ge=1, description="Maximum rows per response of /api/v1/sql.")
    sql_memory_mb: int = Field(
        512,
        ge=64,
        description="Maximum memory in MB per query of /api/v1/sql; its spilled data takes at most as much disk.",
    )
    sql_concurrency: int = Field(2, ge=1, description="Concurrent queries of /api/v1/sql; 64 more wait.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls, Path(os.environ.get("A4P_CONFIG", "a4p.toml")))
        return init_settings, env_settings, toml

    @property
    def has_lake(self) -> bool:
        """Whether the warehouse is a lake. The files in `data_dir` are then this replica's copy of it."""
        return self.warehouse.get_secret_value() != "embedded"

    @property
    def warehouse_file(self) -> Path:
        return self.data_dir / "warehouse.duckdb"

    @property
    def read_copy_file(self) -> Path:
        return self.data_dir / READ_COPY_NAME

    @property
    def stored_exposition_file(self) -> Path:
        return self.data_dir / "warehouse-exposition.state"

    @property
    def stored_history_file(self) -> Path:
        return self.data_dir / "warehouse-history.state"

    @property
    def stored_changes_file(self) -> Path:
        return self.data_dir / "warehouse-history-changes.state"

    @property
    def access_file(self) -> Path:
        return self.data_dir / "access.sqlite"

    @property
    def manifest_file(self) -> Path:
        return find_manifest(self.warehouse_file)

    @property
    def socket_file(self) -> Path:
        return self.data_dir / "a4p.sock"

    @property
    def retention(self) -> Retention:
        return Retention(
            self.keep_backups,
            self.keep_backups_hours,
            self.keep_backups_days,
            self.keep_backups_weeks,
            self.keep_backups_months,
        )

    @property
    def token_file(self) -> Path:
        return self.alerts_token_file or self.data_dir / "alerts-token"

    @property
    def backup_dir(self) -> Path:
        return self.data_dir / BACKUPS_NAME


def read_settings(**options: object) -> Settings:
    """Return the settings; options (not None) take precedence over the environment, and that over the TOML file.

    Raises SettingsError with the name of each invalid setting and the reason.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [
            f"setting A4P_{'_'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']} (got {fault['input']!r})"
            for fault in error.errors()
        ]
        raise SettingsError("; ".join(lines)) from None
    except ValueError as error:  # a TOML file that does not parse
        raise SettingsError(f"settings file {os.environ.get('A4P_CONFIG', 'a4p.toml')}: {error}") from None
