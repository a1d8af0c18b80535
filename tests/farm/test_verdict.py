"""Pass or miss, by hand."""

import dataclasses

import pytest

from aurora_jax.core import Regime
from aurora_jax.farm import finish
from aurora_jax.farm.reduction import Moments
from aurora_jax.farm.verdict import asked_of, passed
from aurora_jax.scenarios import Cell, Family, MaxAutoregression


def _measured(mean, error=0.01):
    """101 estimates whose mean has the standard error given."""
    return Moments(101, mean, 100.0 * 101.0 * error**2, 101)


@pytest.mark.parametrize(
    ("mean", "asked", "bounds", "expected"),
    [
        (0.30, None, None, None),
        (0.349, 0.30, None, True),  # 4 x .01 + .01
        (0.351, 0.30, None, False),
        (0.261, None, (0.30, None), True),  # a bound allows for chance alone
        (0.259, None, (0.30, None), False),
        (0.339, None, (None, 0.30), True),
        (0.341, None, (None, 0.30), False),
        (0.30, 0.30, (0.5, None), False),
        (0.30, 0.30, (0.2, 0.4), True),
    ],
)
def test_by_hand(mean, asked, bounds, expected):
    assert passed("hurst", _measured(mean), asked, bounds) is expected


def test_one_estimate_proves_nothing():
    assert passed("hurst", Moments(1, 0.3, 0.0, 1), 0.3, None) is False


def test_a_share_of_the_value_is_allowed_where_the_bias_is_one():
    assert passed("jump_dispersion", _measured(10.5, 0.01), 10.0, None) is True
    assert passed("jump_dispersion", _measured(10.6, 0.01), 10.0, None) is False


def test_an_exam_asks_for_what_estimators_tend_to_at_their_level():
    """theta (1 - theta p)^K = .5 (1 - .5 x .05)^5, and Hill's expectation instead of .3."""
    law = MaxAutoregression(persistence=0.5, tail_index=0.3, assets=1)
    cell = Cell(
        "exam", Family.GROUND_TRUTH_MAX_AUTOREGRESSION, (Regime.AR,), 64, 8, law=law, targets=law.truth()
    )  # fmt: skip
    asked = asked_of(cell).targets
    assert asked["extremal_index"] == pytest.approx(0.5 * 0.975**5)
    assert asked["tail_index"] == pytest.approx(0.457, abs=0.001)


def test_what_is_asked_for_and_cannot_be_had_is_a_miss_in_the_manifest(dataset, specs):
    """A bound on jumps, of a law that has none: silence would read as nothing wrong."""
    cell = dataclasses.replace(specs[0].cell, bounds={"jump_rate": (0.1, None)})
    asked = [spec._replace(cell=cell) if spec.cell.name == "fgn" else spec for spec in specs]
    report = finish(dataset, asked)["cells"]["fgn"]["invariants"]["jump_rate"]
    assert (report["passed"], report["measured"], report["estimates"]) == (False, None, 0)
