"""The causal coverage certificate and what follows without one."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.certification import CoverageCertifier, Ground, Verdict, conservative_mode, graph_f1
from aurora_jax.core import Estimate, Outcome, root_key, stream
from aurora_jax.scenarios import ContagionJumps


def _f1(value, outcome=Outcome.OK):
    return Estimate(jnp.asarray(value), jnp.asarray(0.02), jnp.asarray(int(outcome)))


def test_f1_by_hand():
    truth = np.zeros((2, 3, 3), bool)
    truth[0, 0, 1] = truth[0, 1, 2] = truth[1, 2, 0] = True
    found = np.zeros((2, 3, 3), bool)
    found[0, 0, 1] = found[1, 0, 2] = found[1, 1, 1] = True  # a hit, a false edge, and a diagonal that does not count
    f1 = graph_f1(found, truth)
    assert float(f1.value) == pytest.approx(2 * 1 / (2 + 3))
    # Without the first cell 0, without the second 2 / 3: mean 1 / 3, root of 1/2 * 2 * 1/9.
    assert float(f1.standard_error) == pytest.approx(1 / 3)
    assert float(graph_f1(truth, truth).value) == 1.0
    assert int(graph_f1(found & False, truth & False).outcome) == Outcome.TOO_SHORT


_certify = eqx.filter_jit(lambda certifier, series, f1: certifier(series, f1))


@pytest.mark.slow
def test_a_certificate_and_every_ground_to_withhold_it():
    law = ContagionJumps(assets=4, graph_seed=1, branching=0.9)
    series = jnp.abs(law.returns(stream(root_key(2), "market"), steps=6144))
    certifier = CoverageCertifier()
    certificate, graph = _certify(certifier, series, _f1(0.8))
    assert bool(certificate.granted)
    assert int(certificate.ground) == Ground.GRANTED
    assert 0.7 <= float(certificate.stability) <= 1.0
    assert np.any(graph.edges)
    for f1 in (_f1(0.74), _f1(0.9, Outcome.TOO_SHORT)):
        refused, _ = _certify(certifier, series, f1)
        assert int(refused.ground) == Ground.NOT_VALIDATED
        assert not bool(refused.granted)
    # The second half has the same margins, but nobody follows anybody any more.
    apart = np.array(series)
    apart[3072:] = np.random.default_rng(0).permuted(apart[3072:], axis=0)
    assert int(_certify(certifier, jnp.asarray(apart), _f1(0.8))[0].ground) == Ground.UNSTABLE
    noise = jnp.asarray(np.random.default_rng(1).normal(size=series.shape))
    assert int(_certify(certifier, noise, _f1(0.8))[0].ground) == Ground.NO_EDGES
    assert all(ground.message for ground in Ground)


@pytest.mark.parametrize(
    ("verdict", "certified", "active", "asked"),
    [
        (Verdict.READY, True, False, False),
        (Verdict.READY, False, True, False),
        (Verdict.NOT_READY, True, True, True),
        (Verdict.UNDECIDED, True, True, False),
    ],
)
def test_conservative_mode_by_table(verdict, certified, active, asked):
    drivers = jnp.asarray([True, False])
    found = conservative_mode(
        jnp.asarray(int(verdict)),
        jnp.asarray(certified),
        drivers,
        miscoverage_min=0.05,
        miscoverage_max=0.2,
        derisk_scale=0.5,
    )
    assert bool(found.active) is active
    assert bool(found.recalibration_requested) is asked
    assert float(found.miscoverage_max) == (0.05 if active else 0.2)
    assert float(found.radius_multiplier) == (1.5 if active else 1.0)
    assert float(found.risk_scale_max) == (0.5 if active else 1.0)
    np.testing.assert_array_equal(found.drivers, [True, not active])
