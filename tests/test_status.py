"""Every status has a code, a sentence of advice, and success only where a convergence test holds."""

import pytest

from numopt import Status
from numopt.status import _ADVICE

SUCCESSES = {
    Status.CONVERGED_GTOL,
    Status.CONVERGED_FTOL,
    Status.PRECISION,
    Status.TARGET,
    Status.CONVERGED_PATIENCE,
}
CODES = {
    Status.RUNNING: 0,
    Status.CONVERGED_GTOL: 0,
    Status.CONVERGED_FTOL: 0,
    Status.PRECISION: 0,
    Status.MAXITER: 1,
    Status.MAXFUN: 1,
    Status.LINE_SEARCH: 2,
    Status.UNBOUNDED: 2,
    Status.NONFINITE_START: 2,
    Status.CALLBACK: 99,
    Status.TARGET: 0,
    Status.MAXTIME: 1,
    Status.DIVERGED: 2,
    Status.CONVERGED_PATIENCE: 0,
    Status.FLAT: 2,
    Status.EDGE_OF_DOMAIN: 2,
    Status.NO_CHANGE: 2,
}


@pytest.mark.parametrize("status", Status)
def test_code_and_success(status):
    assert status.code == CODES[status]
    assert status.code in {0, 1, 2, 99}
    assert status.success is (status in SUCCESSES)
    assert not status.success or status.code == 0
    assert status.code != 0 or status.success or status is Status.RUNNING


@pytest.mark.parametrize("status", Status)
def test_message_is_a_sentence(status):
    assert len(status.message) > 20
    assert status.message[0].isupper() or status.message.startswith(("f ", "`callback`"))
    assert status.message.endswith(".")


def test_messages_differ():
    assert len({status.message for status in Status}) == len(Status)


def test_values_are_those_of_compiled_code():
    assert [int(status) for status in Status] == list(range(len(Status)))
    assert Status(1) is Status.CONVERGED_GTOL
    assert Status.RUNNING == 0


def test_no_advice_without_a_status():
    assert set(_ADVICE) == set(Status.__members__)
    assert set(CODES) == set(Status)


def test_an_unknown_value():
    with pytest.raises(ValueError, match="99"):
        Status(99)
