"""Counters of attempts to sign in and of writes, from zero on."""

from __future__ import annotations

import ast

import pytest

from service.access.access import Access
from service.access.administration import Administration
from service.access.identity import Identity, make_anonymous, make_socket_identity
from service.access.roles import Grant, Role
from service.errors import NotSignedIn, SignInDelayed, SignInRefused
from service.jobs.self_metrics import UNCOUNTED_ACTIONS, WRITE_KINDS, WRITE_RESULTS, SelfMetrics
from service.settings import TREE, Settings
from tests.access.conftest import SetClock

PASSWORD = "correct horse battery"
ANA = Identity("ana", (Grant(Role.ANALYST),), "password")


@pytest.fixture
def metrics() -> SelfMetrics:
    return SelfMetrics()


@pytest.fixture
def counted(access: Access, clock: SetClock, metrics: SelfMetrics) -> Access:
    return Access(Settings(data_dir=access.store.file.parent), clock, metrics)


def read_counts(metrics: SelfMetrics, name: str) -> dict[tuple[str, ...], float]:
    """Return the counters that are not zero, by their labels."""
    samples = [sample for family in metrics.registry.collect() for sample in family.samples if sample.name == name]
    assert samples
    return {tuple(sample.labels.values()): sample.value for sample in samples if sample.value}


def test_every_result_is_zero_before_the_first_attempt(metrics: SelfMetrics) -> None:
    get = metrics.registry.get_sample_value
    assert [get("a4p_auth_attempts_total", {"result": result}) for result in ("success", "refused", "delayed")] == [0, 0, 0]
    for kind in ("load", "set_threshold", "remove_threshold", "acknowledge", "set_silence", "manage_users", "other"):
        assert [get("a4p_writes_total", {"kind": kind, "result": result}) for result in WRITE_RESULTS] == [0, 0, 0, 0], kind


def test_attempts_to_sign_in_are_counted_by_result(counted: Access, metrics: SelfMetrics) -> None:
    counted.users.add("ana", ANA.grants, "test", PASSWORD)
    counted.sign_in("ana", PASSWORD, "10.0.0.1", "browser")
    for _ in range(5):
        with pytest.raises(SignInRefused):
            counted.sign_in("ana", "wrong password", "10.0.0.9", "browser")
    with pytest.raises(SignInDelayed):
        counted.sign_in("ana", PASSWORD, "10.0.0.9", "browser")
    assert read_counts(metrics, "a4p_auth_attempts_total") == {("success",): 1, ("refused",): 5, ("delayed",): 1}
    assert read_counts(metrics, "a4p_writes_total") == {}


def test_writes_are_counted_by_kind_and_result(counted: Access, metrics: SelfMetrics) -> None:
    for action, error in (("load", None), ("set threshold", RuntimeError("disk")), ("acknowledge", NotSignedIn("sign in"))):
        try:
            with counted.audit.record(ANA, action):
                if error:
                    raise error
        except (RuntimeError, NotSignedIn):
            pass
    interrupted = counted.audit.record(ANA, "load")
    interrupted.__enter__()
    counted.audit.close_interrupted()
    counted.audit.note_refusal(make_anonymous("", may_read=True), "POST /api/v1/loads", "load", NotSignedIn("sign in"))
    assert read_counts(metrics, "a4p_writes_total") == {
        ("load", "done"): 1,
        ("set_threshold", "failed"): 1,
        ("acknowledge", "refused"): 1,
        ("load", "interrupted"): 1,
        ("other", "refused"): 1,
    }


def test_changes_of_users_and_tokens_have_a_kind(counted: Access, metrics: SelfMetrics) -> None:
    administration = Administration(counted, make_socket_identity("root"), {"UNMISS"})
    administration.add_user("ana", ANA.grants, PASSWORD)
    administration.set_grants("ana", ANA.grants)
    administration.set_password("ana", PASSWORD)
    administration.make_link("ana")
    administration.disable_user("ana")
    administration.enable_user("ana")
    administration.create_user_token("ana")
    administration.revoke_token(1)
    assert read_counts(metrics, "a4p_writes_total") == {("manage_users", "done"): 6, ("manage_tokens", "done"): 2}


def find_actions() -> set[str]:
    """Return the actions that the code records in the audit by name."""
    folders = [TREE / "service" / name for name in ("access", "client", "web")]
    calls = (
        node
        for folder in folders
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("_record", "record", "note")
    )
    texts = ([value.value for value in call.args if isinstance(value, ast.Constant) and value.value] for call in calls)
    return {str(found[0]) for found in texts if found}


def test_every_action_of_the_code_has_a_kind() -> None:
    actions = find_actions()
    assert {"load", "add user", "acknowledge"} <= actions
    assert actions <= {*WRITE_KINDS, *UNCOUNTED_ACTIONS, "refused"}
