"""What families stress: by hand, on laws with known numbers, and each promise with and without its shock."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.config import load_config, parse_config
from aurora_jax.config.seb_plus import SebPlusConfig
from aurora_jax.core import Outcome, Regime, stream
from aurora_jax.farm import moments, plan, simulate_chunk
from aurora_jax.farm.stress import contrasted, jump_impact, regime_contrast, size_memory, volatility_hurst
from aurora_jax.farm.verdict import asked_of, passed
from aurora_jax.scenarios import FractionalGaussian
from aurora_jax.teacher import reference_teacher
from tests.sims.conftest import REPOSITORY
from tests.statistics import assert_mean

# Two assets; sizes of the bars, their mean over assets, are 1, 2, 3, 6.
RETURNS = jnp.array([[1.0, -1.0], [-3.0, 1.0], [3.0, 3.0], [-4.0, 8.0]])


def test_jump_impact_by_hand():
    """(2 + 6) / 2 over (1 + 3) / 2; error 2 hypot(sqrt(8 / 2) / 4, sqrt(2 / 2) / 2)."""
    found = jump_impact(RETURNS, jnp.array([0, 1, 0, 2]))
    assert float(found.value) == pytest.approx(2.0)
    assert float(found.standard_error) == pytest.approx(2.0 * 0.5**0.5)
    for jumps in ([0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 0]):  # nothing to compare, or one bar alone
        assert int(jump_impact(RETURNS, jnp.array(jumps)).outcome) == Outcome.TOO_SHORT


def test_regime_contrast_by_hand_has_a_sign():
    regime = jnp.array([0, 0, 2, 2])
    found = regime_contrast(RETURNS, regime, calm=0, wild=2)
    assert float(found.value) == pytest.approx(np.log(4.5 / 1.5))
    assert float(found.standard_error) == pytest.approx(np.hypot(1.5 / 4.5, 0.5 / 1.5))
    assert float(regime_contrast(RETURNS, regime, calm=2, wild=0).value) == pytest.approx(-np.log(3.0))
    assert int(regime_contrast(RETURNS, regime, calm=0, wild=1).outcome) == Outcome.TOO_SHORT


@pytest.mark.parametrize(
    ("regimes", "codes"), [("AR", (0, 0)), ("AR GARCH", (0, 2)), ("AR AR GARCH ARMA AR", (0, 1)), ("GARCH AR", (2, 0))]
)
def test_a_cell_contrasts_its_first_regime_with_the_last_other(regimes, codes):
    assert contrasted([Regime[name] for name in regimes.split()]) == codes


def test_size_memory_by_hand_and_its_slow_twin():
    """A move that alternates every 64 bars between 1 and e; and numpy's sums over lags 17 to 32."""
    returns = jnp.exp(jnp.tile(jnp.repeat(jnp.array([0.0, 1.0]), 64), 4))[:, None]
    x = np.log(np.asarray(returns[:, 0])) - 0.5
    twin = np.mean([np.sum(x[lag:] * x[:-lag]) / np.sum(x**2) for lag in range(17, 33)])
    assert float(jax.jit(size_memory)(returns).value) == pytest.approx(twin, rel=1e-12)
    # Of 512 - lag pairs, each of 7 flips turns `lag` of them: (512 - lag - 2 x 7 lag) / 512, at the mean lag of 24.5.
    assert twin == pytest.approx((512 - 15 * 24.5) / 512)
    assert int(jax.jit(size_memory)(jnp.ones((100, 1))).outcome) == Outcome.CONSTANT
    assert int(size_memory(jnp.ones((64, 1))).outcome) == Outcome.TOO_SHORT


@pytest.mark.stat
def test_independent_bars_have_no_memory_and_honest_errors(key):
    returns = jax.random.normal(key, (400, 512, 2))
    found = jax.jit(jax.vmap(size_memory))(returns)
    assert_mean(found.value, 0.0, bias=1.5 / 512)  # about the path's own mean
    np.testing.assert_allclose(np.std(found.value), np.mean(found.standard_error), rtol=0.15)


@pytest.mark.stat
def test_the_exponent_is_found_of_noise_that_reverts_to_its_mean(key):
    """Two factors of fractional noise of H = .1, pulled back by 5 % of themselves a bar."""
    law = FractionalGaussian(hurst=0.1, assets=2, scale=0.2)

    def factor(key):
        noise = law.returns(key, steps=512)
        return jax.lax.scan(lambda v, dv: ((v := 0.95 * v + dv), v), jnp.zeros(2), noise)[1]

    keys = jax.random.split(stream(key, "factors"), 200)
    found = jax.jit(jax.vmap(lambda key: volatility_hurst(factor(key))))(keys)
    known = np.asarray(found.outcome) == Outcome.OK
    assert known.mean() > 0.9
    assert_mean(np.asarray(found.value)[known], 0.1, bias=0.01)
    np.testing.assert_allclose(np.std(found.value[known]), np.mean(found.standard_error[known]), rtol=0.2)


def flat(teacher):
    """Return the teacher with one law in every regime: a flip between them is none."""
    alike = jnp.broadcast_to(teacher.embedding[:1], teacher.embedding.shape)
    return eqx.tree_at(lambda model: model.embedding, teacher, alike)


def without(family, **changes):
    """Return how a cell looks with a part of its severity taken away, under a family that allows it."""
    return lambda cell: {**cell, "family": family, "severity": {**cell.get("severity", {}), **changes}}


NEUTRAL = ("neutral", lambda cell: {**cell, "family": "baseline", "severity": {}}, lambda teacher: teacher)
SHOCKS_OFF = {
    "rough": [NEUTRAL],
    "persistent": [NEUTRAL, ("fresh", without("heavy_tail", scale_persistence_bars=None), lambda teacher: teacher)],
    "liquidity_crash": [NEUTRAL, ("deep", without("jump_cluster", liquidity=1.0), lambda teacher: teacher)],
    "regime_flip": [("alike", lambda cell: cell, flat)],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "promised"),
    [
        ("rough", "volatility_hurst"),
        ("persistent", "size_memory"),
        ("liquidity_crash", "jump_impact"),
        ("regime_flip", "regime_contrast"),
    ],
)
def test_a_promise_is_kept_by_the_shipped_cell_and_broken_without_its_shock(name, promised):
    shipped = load_config(SebPlusConfig, REPOSITORY / "configs" / "seb_plus.yaml").narrowed(cells=[name], paths=256)
    as_shipped = shipped.cells[name].model_dump(mode="json", exclude_unset=True)
    teacher = reference_teacher(3)

    def flag(settings, model):
        whole = {**shipped.model_dump(mode="json"), "cells": {name: settings}}
        (spec,) = plan(parse_config(SebPlusConfig, whole, source="test"), teacher=model)
        _, found = simulate_chunk(spec, model)
        asked = asked_of(shipped.catalogue()[0])
        return passed(promised, moments(found[promised]), asked.targets.get(promised), asked.bounds.get(promised))

    assert flag(as_shipped, teacher) is True
    for label, change, altered in SHOCKS_OFF[name]:
        assert flag(change(as_shipped), altered(teacher)) is False, label
