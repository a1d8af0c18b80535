from types import SimpleNamespace

import numpy as np
import pytest

from aurora_jax.core import Allocation, Interval, Outcome
from aurora_jax.governance import BlockReason, Decision
from aurora_jax.replay import ReplayRow, summarise


def column(*values):
    return np.array(values)


def fabricated():
    """Return five bars of two assets: one warming up, three that count, one that was not finite."""
    nothing = np.zeros(5)
    info = SimpleNamespace(
        outcome=column(int(Outcome.WARMING_UP), 0, 0, 0, int(Outcome.NON_FINITE)),
        settlement=SimpleNamespace(
            observed=np.array([[True, True], [True, True], [True, False], [True, True], [True, True]]),
            missed=np.array([[True, True], [False, True], [False, False], [False, False], [True, True]]),
            surprisal=np.array([[99.0, 99.0], [1.0, 2.0], [3.0, 99.0], [4.0, 5.0], [99.0, 99.0]]),
        ),
        certificate=SimpleNamespace(
            interval=Interval(
                lower=np.array([[-9.0, -9.0], [-1.0, -2.0], [-1.0, -np.inf], [-3.0, -1.0], [-9.0, -9.0]]),
                upper=np.array([[9.0, 9.0], [1.0, 2.0], [1.0, np.inf], [3.0, 1.0], [9.0, 9.0]]),
                miscoverage=np.array([[0.9, 0.9], [0.1, 0.1], [0.1, 0.1], [0.2, 0.1], [0.9, 0.9]]),
                saturated=np.array([[True, True], [True, False], [False, False], [False, False], [True, True]]),
            )
        ),
        decision=column(*(int(Decision[name]) for name in ("BLOCK", "PASS", "DERISK", "BLOCK", "BLOCK"))),
        block_reason=column(
            int(BlockReason.DECISION), 0, 0, int(BlockReason.GUARD_SURPRISAL), int(BlockReason.GUARD_DATA)
        ),
        risk_scale=column(0.0, 1.0, 0.5, 0.0, 0.0),
        switched=column(True, False, True, True, True),
        kappa_plus=column(0.9, 0.1, 0.2, 0.6, 0.9),
        in_transition=column(True, False, False, True, True),
        latency_p95_ms=column(900.0, 10.0, 20.0, 30.0, 900.0),
    )
    weights = np.zeros((5, 2))
    allocation = Allocation(weights, nothing, nothing, nothing, nothing, nothing.astype(int))
    released = column(True, False, True, False, True)
    return ReplayRow(info, weights, weights, allocation, nothing + 1, nothing, nothing, nothing, released, weights)  # pyright: ignore


def test_the_summary_by_hand():
    """Only the three bars in the middle count, and of their six cells the five that were observed."""
    found = summarise(fabricated())
    expected = {
        "bars": 3,
        "coverage": 4 / 5,
        "coverage_emitted_nominal": 1.0 - 0.7 / 6,
        "coverage_abs_err": abs(4 / 5 - 1.0 + 0.7 / 6),
        "mean_width": (2 + 4 + 2 + 6 + 2) / 5,
        "infinite_share": 1 / 6,
        "pass_share": 1 / 3,
        "derisk_share": 1 / 3,
        "block_share": 1 / 3,
        "flap_rate_k": 1000 * 2 / 3,
        "surprisal_p95": 4.8,  # between 4 and 5, ranks 0..4: 0.95 * 4 = 3.8
        "latency_p95_ms": 30.0,
        "avg_risk_scale": 0.5,
        "exec_block_rate": 1 / 3,
        "exec_block_rate.guard_surprisal": 1 / 3,
        "exec_block_rate.guard_data": 0.0,
        "exec_block_rate.decision": 0.0,
        "kappa_plus_mean": 0.3,
        "kappa_plus_std": np.sqrt((0.04 + 0.01 + 0.09) / 3),
        "transition_share": 1 / 3,
        "saturated_share": 1 / 6,
        "releases": 1,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-12)


def test_nothing_observed_has_no_shares():
    rows = fabricated()
    rows.info.outcome = np.full(5, int(Outcome.WARMING_UP))
    assert summarise(rows) == {"bars": 0}
