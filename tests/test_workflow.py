"""The public workflow of CI runs the check of the project, on Debian 12 and without secrets."""

from __future__ import annotations

import os

import yaml

from service.settings import find_in_tree

WORKFLOW = find_in_tree(".github") / "workflows" / "ci.yml"


def test_the_workflow_runs_the_check_of_the_project_on_debian_12() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    (job,) = jobs.values()
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert runs == [".ci/run"]
    assert os.access(find_in_tree(".ci") / "run", os.X_OK)
    assert job["container"]["image"].endswith("-bookworm")


def test_the_workflow_reads_no_secrets_and_may_only_read_the_repository() -> None:
    text = WORKFLOW.read_text()
    assert "secrets" not in text
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
