"""The settings of the service: one table of name, default and help, read from options, environment and one TOML file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from service.backups.retention import Retention
from service.errors import ServiceError
from service.manifest import BACKUPS_NAME, READ_COPY_NAME, find_manifest
from service.schedule import CronSchedule

TREE = Path(__file__).resolve().parent.parent


def find_in_tree(name: str) -> Path:
    """Return the path of `sql`, `metrics`, `grafana` or another folder of the tree this code runs from."""
    return TREE / name


class SettingsError(ServiceError):
    """A setting has a value that cannot be used."""


def _check_cron(expression: str) -> str:
    CronSchedule(expression, ZoneInfo("UTC"))
    return expression


def _check_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not a time zone; use a name such as UTC or Africa/Nairobi")
    return name


def _split_names(names: object) -> object:
    return [name.strip() for name in names.split(",") if name.strip()] if isinstance(names, str) else names


Cron = Annotated[str, AfterValidator(_check_cron)]
TimeZone = Annotated[str, AfterValidator(_check_timezone)]
# In the environment the names stand with commas between them, and not as JSON.
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_names)]


def _default_threads() -> int:
    # One core stays free, so that a scrape does not wait for a snapshot.
    return max(1, (os.cpu_count() or 2) - 1)


class Settings(BaseSettings):
    """Every setting; the environment name is the field's name in upper case with `A4P_` in front."""

    model_config = SettingsConfigDict(env_prefix="A4P_", extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="Address to bind.")
    port: int = Field(8000, ge=0, le=65535, description="Port to bind; 0 takes a free one.")
    allowed_hosts: Names = Field((), description="Further host names to answer to, with commas between them.")
    data_dir: Path = Field(Path("data"), description="Folder of the warehouse, its read copy and backups.")
    catalogue: Path = Field(
        default_factory=lambda: find_in_tree("metrics"),
        description="Catalogue directory to use in place of metrics/.",
    )
    snapshot_cron: Cron = Field("0 * * * *", description="When to make a snapshot (five-field cron).")
    checkpoint_cron: Cron = Field("30 3 * * *", description="When to checkpoint the warehouse.")
    prune_cron: Cron = Field("45 3 * * *", description="When to delete old backups.")
    timezone: TimeZone = Field("UTC", description="Time zone of the cron expressions.")
    keep_backups: int = Field(5, ge=1, description="How many of the newest backups to retain, however close in time.")
    keep_backups_hours: int = Field(24, ge=0, description="Hours of which the newest backup is retained.")
    keep_backups_days: int = Field(30, ge=0, description="Days of which the newest backup is retained.")
    keep_backups_weeks: int = Field(12, ge=0, description="Weeks of which the newest backup is retained.")
    keep_backups_months: int = Field(24, ge=0, description="Months of which the newest backup is retained.")
    threads: int = Field(default_factory=_default_threads, ge=1, description="DuckDB threads.")
    memory_limit: str = Field("4GB", pattern=r"^\d+(\.\d+)?\s*[KMGT]i?B$", description="DuckDB memory limit.")
    page_seconds: float = Field(20, gt=0, description="Maximum time for one page, chart, document or API response.")
    alerts_token_file: Path | None = Field(
        None, description="File of Alertmanager's token.  [default: alerts-token in data_dir]"
    )
    remote_read_lookback_seconds: int = Field(300, ge=1, description="Shortest --query.lookback-delta that reads the history.")
    remote_read_samples: int = Field(5_000_000, ge=1, description="Most samples in one answer of remote read.")
    remote_read_series: int = Field(200_000, ge=1, description="Most series in one answer of remote read.")
    remote_read_body_bytes: int = Field(1 << 20, ge=1, description="Largest request of remote read, as sent.")
    remote_read_request_bytes: int = Field(8 << 20, ge=1, description="Largest request of remote read, decompressed.")
    remote_read_seconds: float = Field(30, gt=0, description="Longest time for one answer of remote read.")
    remote_read_concurrency: int = Field(4, ge=1, description="Requests of remote read that are answered at once.")
    sql_token: SecretStr = Field(
        SecretStr(""), description="Token that /api/v1/sql wants; without one it answers only while bound to the loopback."
    )
    sql_seconds: float = Field(10, gt=0, description="Longest time for one query of /api/v1/sql.")
    sql_rows: int = Field(100_000, ge=1, description="Most rows in one answer of /api/v1/sql.")
    sql_memory_mb: int = Field(
        512, ge=64, description="Memory that one query of /api/v1/sql may take, and disk when that is short."
    )
    sql_concurrency: int = Field(2, ge=1, description="Queries of /api/v1/sql that are answered at once.")

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
    def warehouse_file(self) -> Path:
        return self.data_dir / "warehouse.duckdb"

    @property
    def read_copy_file(self) -> Path:
        return self.data_dir / READ_COPY_NAME

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
    """Return the settings: an option given (not None) goes before the environment, and that before the TOML file.

    Raises SettingsError naming each setting that cannot be used and why.
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
