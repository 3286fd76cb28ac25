"""Loads over HTTP: the same checks and the same result as the command, and nothing of a refused file remains."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.application import Application
from service.loading.report import Batch
from service.loading.request import LoadRequest
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.published_report import publish_report
from tests.web.conftest import Ask
from tests.web.test_writes import CSV

Rows = list[tuple[Any, ...]]


def read(application: Application, query: str) -> Rows:
    with application.warehouse.cursor() as cursor:
        return cursor.execute(query).fetchall()


def count_all(application: Application) -> Rows:
    return read(application, "select (select count(*) from store.observations), (select count(*) from store.batches)")


def list_uploads(application: Application) -> list[Path]:
    return list((application.settings.data_dir / "tmp").glob("upload-*"))


def upload(content: bytes, name: str = "a.csv", field: str = "file") -> dict[str, Any]:
    return {"data": {field: (io.BytesIO(content), name)}}


@pytest.fixture
def other(tmp_path: Path, definitions: Definitions) -> Iterator[Application]:
    """Another service with the report, for the command."""
    with publish_report(tmp_path / "other", definitions) as opened:
        yield opened


def test_a_load_over_http_equals_the_load_by_the_command(
    ask: Ask, guarded: Application, other: Application, tmp_path: Path
) -> None:
    content = CSV % 71
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    answer = ask("administrator", "POST", "loads", **upload(content))
    (by_command,) = other.loads.load(LoadRequest(files=(file,), loaded_by="administrator"))
    assert answer.status_code == 201
    (by_http,) = answer.get_json()["files"]
    assert isinstance(by_command, Batch)
    for name in ("row_count", "new_observations", "revisions", "unchanged", "sha256", "warning_count"):
        assert by_http[name] == getattr(by_command, name), name
    assert by_http["sha256"] == hashlib.sha256(content).hexdigest()
    assert by_http["file_name"] == "a.csv"
    query = (
        "select o.* exclude (batch_id, recorded_at) from observations as o join batches as b using (batch_id) "
        f"where sha256 = '{by_http['sha256']}' order by all"
    )
    assert read(guarded, query) == read(other, query) != []
    assert read(guarded, f"select loaded_by from batches where sha256 = '{by_http['sha256']}'") == [("administrator",)]
    again = ask("administrator", "POST", "loads", **upload(content, "b.csv"))
    assert again.status_code == 200 and "no changes" in again.get_json()["files"][0]["text"]
    assert list_uploads(guarded) == []
    done = guarded.access.audit.list_entries(2)[1]
    assert (done["action"], done["target"], done["result"]) == ("load", "a.csv", "done")


def test_a_dry_run_changes_nothing(ask: Ask, guarded: Application) -> None:
    before = count_all(guarded)
    answer = ask("administrator", "POST", "loads?dry_run=true", **upload((CSV % 5000).replace(b"UNMISS", b"UNFICYP")))
    assert answer.status_code == 200
    report = answer.get_json()
    assert report["dry_run"] and report["files"][0]["batch_id"] is None
    assert report["files"][0]["new_observations"] + report["files"][0]["revisions"] == 1
    assert any("UNFICYP" in breach for breach in report["started"])
    assert sum(report["files"][0]["cells"].values()) == 1
    (finding,) = report["findings"]
    assert (finding["rule"], finding["severity"], finding["row"]) == ("required_together", "medium", 2)
    assert count_all(guarded) == before and list_uploads(guarded) == []


def test_a_load_confirms_the_digest_of_its_preview_or_changes_nothing(ask: Ask, guarded: Application) -> None:
    digest = ask("administrator", "POST", "loads?dry_run=true", **upload(CSV % 81)).get_json()["digest"]
    before = count_all(guarded)
    other = ask("administrator", "POST", f"loads?digest={digest}", **upload(CSV % 82))
    assert (other.status_code, other.mimetype) == (409, "application/problem+json")
    assert f"differs from the preview {digest[:12]}" in other.get_json()["detail"]
    assert count_all(guarded) == before and list_uploads(guarded) == []
    assert ask("administrator", "POST", f"loads?digest={digest}&dry_run=true", **upload(CSV % 81)).status_code == 400
    assert ask("administrator", "POST", "loads?digest=5e0c", **upload(CSV % 81)).status_code == 400
    loaded = ask("administrator", "POST", f"loads?digest={digest}", **upload(CSV % 81))
    assert loaded.status_code == 201 and loaded.get_json()["digest"] is None


def test_a_file_with_errors_changes_nothing_and_lists_them(ask: Ask, guarded: Application) -> None:
    before = count_all(guarded)
    answer = ask("administrator", "POST", "loads", **upload((CSV % 7).replace(b"UNMISS", b"UNMSS")))
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    problem = answer.get_json()
    assert problem["errors"][0]["name"] == "row 2, column mission" and "UNMISS" in problem["errors"][0]["detail"]
    assert "upload-" not in answer.text
    assert count_all(guarded) == before and list_uploads(guarded) == []
    assert guarded.access.audit.list_entries(1)[0]["result"] == "refused"


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (upload(CSV % 8, field="data"), 400),
        ({"data": {"file": "text"}, "content_type": "multipart/form-data"}, 400),
        ({"data": {"file": [(io.BytesIO(CSV % 8), "a.csv"), (io.BytesIO(CSV % 9), "b.csv")]}}, 400),
        ({"data": {"file": (io.BytesIO(CSV % 8), "a.csv"), "loaded_by": "boss"}}, 400),
        ({"data": b"x", "content_type": "multipart/form-data"}, 400),
        ({"data": b"x", "content_type": "multipart/form-data; boundary=a"}, 400),
        ({"data": b"x", "content_type": "text/csv"}, 415),
        ({"json": {"file": "/etc/passwd"}}, 415),
        (upload(b"%PDF-1.4"), 400),
        (upload(b""), 400),
    ],
)
def test_a_request_without_exactly_one_file_is_refused(
    ask: Ask, guarded: Application, options: dict[str, Any], status: int
) -> None:
    before = count_all(guarded)
    assert ask("administrator", "POST", "loads", **options).status_code == status
    assert count_all(guarded) == before and list_uploads(guarded) == []


@pytest.mark.parametrize("query", ["dry_run=yes", "dry_run=true&dry_run=false", "dryrun=true", "files=/etc/passwd", "sheet="])
def test_an_unknown_parameter_is_refused(ask: Ask, query: str) -> None:
    assert ask("administrator", "POST", f"loads?{query}", **upload(CSV % 10)).status_code == 400


@pytest.mark.parametrize(
    ("given", "recorded"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\data\\\\values.csv", "values.csv"),
        ("a\x1b[31m.csv", "a[31m.csv"),
        ("é.csv", "é.csv"),
    ],
)
def test_the_name_of_a_file_is_recorded_and_never_a_path(ask: Ask, given: str, recorded: str) -> None:
    answer = ask("administrator", "POST", "loads?dry_run=true", **upload(CSV % 11, given))
    assert answer.get_json()["files"][0]["file_name"] == recorded


def test_a_file_that_is_too_large_is_refused(ask: Ask, guarded: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    small = guarded.settings.model_copy(update={"load_max_bytes": 50})
    monkeypatch.setattr(guarded, "settings", small)
    answer = ask("administrator", "POST", "loads", **upload(CSV % 12))
    assert answer.status_code == 413 and "A4P_LOAD_MAX_BYTES" in answer.get_json()["detail"]


def test_a_load_whose_client_has_gone_is_not_committed(ask: Ask, guarded: Application) -> None:
    before = count_all(guarded)
    # The client goes while the file is read.
    asked = iter([False, False])
    gone = {"waitress.client_disconnected": lambda: next(asked, True)}
    answer = ask("administrator", "POST", "loads", **upload(CSV % 13), environ_base=gone)
    assert answer.status_code == 400 and answer.get_json()["detail"] == "cancelled; nothing was loaded"
    assert count_all(guarded) == before and list_uploads(guarded) == []


def test_a_file_left_by_an_earlier_process_is_deleted_at_the_start(guarded: Application) -> None:
    folder = guarded.settings.data_dir / "tmp"
    folder.mkdir(exist_ok=True)
    (folder / "upload-left").write_bytes(b"x")
    make_app(guarded)
    assert list_uploads(guarded) == []
