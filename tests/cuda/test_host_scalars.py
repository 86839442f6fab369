"""What the host computes before each step of a chain on a GPU: compiled, by the functions of the rules."""

import numpy as np
import pytest
from rules.cases import label

import numopt as no
from numopt.cuda.program import scalars_of_step
from numopt.generic import coefficients, notice, numbers
from numopt.rules.update import CHOSEN_RATE, COUNT, SCALARS

CHAINS = [
    (),  # of a chain in which all rules reduce
    (no.Adam(0.1),),
    (no.AddNoise(0.1, 0.5, seed=7), no.SGD(0.1)),
    (no.SGD(no.cosine_decay(0.1, 10)), no.ReduceOnPlateau(patience=1), no.Averaged()),
]


@pytest.mark.parametrize("rules", CHAINS, ids=label)
def test_are_those_of_the_rules(rules):
    x, scalars = np.ones(1), np.zeros(SCALARS)
    scalars[CHOSEN_RATE] = np.nan
    schedule = rules[0].learning_rate if rules and "learning_rate" in rules[0]._fields else 0.25
    held, own = numbers(rules, x), numbers(rules, x)
    for step in range(3):
        scalars[COUNT] = step
        learning_rate, c = scalars_of_step(rules, held, schedule, scalars, 1.0)
        notice(rules, own, step + 1, learning_rate, 1.0)
        expected = coefficients(rules, own, step + 1, learning_rate)
        assert len(c) == len(rules)
        for ours, theirs in zip(c, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-15)
    scalars[CHOSEN_RATE] = 0.5
    assert scalars_of_step(rules, held, schedule, scalars, 1.0)[0] == 0.5
