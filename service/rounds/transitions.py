"""The states of a submission, the actions that change them, and who may take each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from metrics.languages import mark_message
from service.access.identity import Identity
from service.access.roles import Right
from service.errors import NotAllowed, RoundError

ALL = ""


class State(StrEnum):
    """The state of a submission."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    VALIDATED = "validated"
    APPROVED = "approved"
    PUBLISHED = "published"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class Action(StrEnum):
    """What a user does with a submission."""

    SUBMIT = "submit"
    VALIDATE = "validate"
    APPROVE = "approve"
    PUBLISH = "publish"
    RETURN = "return"
    WITHDRAW = "withdraw"


@dataclass(frozen=True)
class Transition:
    """An action: its new state, and for each state in which it is possible the missions for which the right is needed.

    `for_all` are the states in which the right for all missions is needed: a lower level does not undo the decision of a
    higher one. `is_decision`: authors must not take it on their own submission.
    """

    to: State
    right: Right
    possible: frozenset[State]
    for_all: frozenset[State] = frozenset()
    is_decision: bool = False
    needs_reason: bool = False
    names_digest: bool = False


TRANSITIONS: Mapping[Action, Transition] = {
    Action.SUBMIT: Transition(
        State.SUBMITTED, Right.SUBMIT, frozenset({State.DRAFT, State.RETURNED}), names_digest=True
    ),
    Action.VALIDATE: Transition(
        State.VALIDATED, Right.APPROVE, frozenset({State.SUBMITTED}), is_decision=True, names_digest=True
    ),
    Action.APPROVE: Transition(
        State.APPROVED, Right.APPROVE, frozenset({State.VALIDATED}), frozenset({State.VALIDATED}), is_decision=True,
        names_digest=True,
    ),
    Action.PUBLISH: Transition(
        State.PUBLISHED, Right.APPROVE, frozenset({State.APPROVED}), frozenset({State.APPROVED}), is_decision=True,
        names_digest=True,
    ),
    Action.RETURN: Transition(
        State.RETURNED, Right.APPROVE, frozenset({State.SUBMITTED, State.VALIDATED, State.APPROVED}),
        frozenset({State.VALIDATED, State.APPROVED}), is_decision=True, needs_reason=True,
    ),
    Action.WITHDRAW: Transition(
        State.WITHDRAWN, Right.SUBMIT, frozenset({State.DRAFT, State.SUBMITTED, State.RETURNED})
    ),
}  # fmt: skip
# Those in which somebody still has to act.
OPEN = frozenset({State.DRAFT, State.SUBMITTED, State.VALIDATED, State.APPROVED, State.RETURNED})


def check_transition(
    number: int, state: State, mission: str, authors: frozenset[str], action: Action, identity: Identity, reason: str | None
) -> Transition:
    """Return the transition of an action on submission `number`. `authors` created or submitted it, in lower case.

    Raises RoundError in a state in which the action is not possible or without a needed reason, and NotSignedIn or NotAllowed
    if the identity must not take it.
    """
    transition = TRANSITIONS[action]
    identity.check(transition.right, mission)
    if state not in transition.possible:
        possible = " or ".join(sorted(transition.possible))
        raise RoundError(f"submission {number} is {state}; {action} is possible when it is {possible}")
    if state in transition.for_all:
        identity.check(transition.right, ALL)
    if transition.is_decision and identity.name.lower() in authors:
        raise NotAllowed(f"{identity.name} made submission {number}; another approver has to {action} it")
    if transition.needs_reason and not (reason or "").strip():
        raise RoundError(f"reason: say what the mission has to change in submission {number}")
    return transition


def list_actions(
    number: int, state: State, mission: str, authors: frozenset[str], identity: Identity
) -> tuple[list[Action], dict[Action, str]]:
    """Return the actions that an identity may take, and why it must not take the others that are possible in this state."""
    allowed, refused = [], {}
    for action, transition in TRANSITIONS.items():
        if state not in transition.possible:
            continue
        try:
            check_transition(number, state, mission, authors, action, identity, "a reason")
        except NotAllowed as error:
            refused[action] = str(error)
        else:
            allowed.append(action)
    return allowed, refused


NEXT_ACTORS: Mapping[State, str] = {
    State.DRAFT: mark_message("contributor of {mission}: submit"),
    State.SUBMITTED: mark_message("approver of {mission}: validate or return"),
    State.VALIDATED: mark_message("approver of all missions: approve or return"),
    State.APPROVED: mark_message("approver of all missions: publish"),
    State.RETURNED: mark_message("contributor of {mission}: correct and submit again"),
}


def name_next_actor(state: State, mission: str) -> str:
    """Return who acts next and how, as text; empty when no action is left."""
    return NEXT_ACTORS.get(state, "").format(mission=mission)
