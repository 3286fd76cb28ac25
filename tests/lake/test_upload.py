"""Moving an embedded warehouse to a lake, and the maintenance of a lake."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import a4p
from service.errors import LakeError, LakeUnavailable
from service.lake import upload
from service.lake.address import read_address
from service.lake.store import LakeStore
from service.lake.upload import move_warehouse
from service.settings import Settings
from service.warehouse.connection import Resources
from tests.conftest import load_value
from tests.lake.conftest import MakeSettings, OpenReplica
from tests.lake.servers import Bucket
from tests.lake.test_replicas import digest, get_lake
from tests.published_report import copy_report
from tests.shipped import SHIPPED_OBSERVATIONS


def list_environment(settings: Settings) -> dict[str, str]:
    return {
        "A4P_WAREHOUSE": settings.warehouse.get_secret_value(),
        "A4P_DATA_DIR": str(settings.data_dir),
        "A4P_LAKE_DATA": settings.lake_data,
        "A4P_LAKE_S3_ENDPOINT": settings.lake_s3_endpoint,
        "A4P_LAKE_S3_KEY_ID": settings.lake_s3_key_id,
        "A4P_LAKE_S3_SECRET_FILE": str(settings.lake_s3_secret_file or ""),
        "A4P_LAKE_S3_TLS": "false",
    }


def test_a_warehouse_is_moved_in_parts_and_continued_after_an_interruption(
    make_settings: MakeSettings, open_replica: OpenReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings("a")
    copy_report(settings.data_dir)
    address = read_address(settings)
    resources = Resources(1, "1GB", settings.data_dir / "tmp", 1 << 30)
    monkeypatch.setattr(upload, "PART_ROWS", 5_000)
    append, sent = LakeStore.append, []

    def fail_in_the_middle(store: LakeStore, files: dict[str, Path], expected_head: int | None = None) -> int:
        sent.extend(files)
        if sent.count("observations") == 2:
            raise LakeUnavailable("the network is down")
        return append(store, files, expected_head)

    monkeypatch.setattr(LakeStore, "append", fail_in_the_middle)
    with pytest.raises(LakeUnavailable):
        move_warehouse(settings.warehouse_file, address, resources)
    with pytest.raises(LakeError, match="incomplete"):
        open_replica("b")

    monkeypatch.setattr(LakeStore, "append", append)
    moved = move_warehouse(settings.warehouse_file, address, resources)
    assert 0 < moved.sent < moved.rows - 4_000
    with pytest.raises(LakeError, match="has a warehouse already"):
        move_warehouse(settings.warehouse_file, address, resources)

    # The moved file becomes the copy of a replica; another pulls all.
    first, second = open_replica("a"), open_replica("b")
    assert digest(first) == digest(second)
    with first.warehouse.cursor() as cursor:
        assert cursor.execute("select count(*) from store.observations").fetchone() == (SHIPPED_OBSERVATIONS,)


def test_a_changed_row_is_found_by_the_comparison(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make_settings("a")
    copy_report(settings.data_dir)
    append = LakeStore.append

    def change_a_row(store: LakeStore, files: dict[str, Path], expected_head: int | None = None) -> int:
        head = append(store, files, expected_head)
        if "batches" in files:
            with store.transaction() as lake:
                lake.execute("update lake.store.batches set revisions = revisions + 1 where batch_id = 1")
        return head

    monkeypatch.setattr(LakeStore, "append", change_a_row)
    with pytest.raises(LakeError, match="the rows of batches in the lake"):
        move_warehouse(settings.warehouse_file, read_address(settings), Resources(1, "1GB", settings.data_dir / "tmp", 1 << 30))


def test_compaction_and_expiry_leave_every_row(
    open_replica: OpenReplica, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = open_replica("a"), open_replica("b")
    for value in range(4):
        load_value(first, tmp_path, value)
    before, away_at = digest(first), get_lake(second).read_state()
    name = first.settings.lake_data.removeprefix("s3://")
    files = {file for file in bucket.list_files() if file.startswith(f"{name}/")}
    for variable, value_ in list_environment(first.settings).items():
        monkeypatch.setenv(variable, value_)
    shown = CliRunner().invoke(a4p, ["lake", "compact"])
    assert shown.exit_code == 0, shown.output
    assert "files merged into others" in shown.output
    shown = CliRunner().invoke(a4p, ["lake", "expire", "--days", "0"])
    assert shown.exit_code == 0, shown.output
    assert len({file for file in bucket.list_files() if file.startswith(f"{name}/")}) < len(files)
    # The second was away: the lake snapshot of its copy has expired.
    assert get_lake(second).store.list_inserted(away_at, get_lake(first).read_state()) is None
    get_lake(second).pull()
    assert digest(second) == before
    load_value(first, tmp_path, 9)
    get_lake(second).pull()
    assert digest(second) == digest(first)
