"""Markets without causes, and the counting of false edges and known graphs."""

import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.study import NULL_MARKETS, null_rates, recovery


@pytest.mark.parametrize("market", NULL_MARKETS)
def test_markets_are_finite_and_of_the_size_asked_for(key, market):
    returns = np.asarray(NULL_MARKETS[market](key, bars=400, assets=3))
    assert returns.shape == (400, 3)
    assert np.isfinite(returns).all()
    assert (returns.std(axis=0) > 0.1).all()


@pytest.mark.slow
@pytest.mark.stat
def test_what_is_shared_is_shared(key):
    drawn = {name: market(stream(key, "x"), bars=8000, assets=3) for name, market in NULL_MARKETS.items()}
    sizes = {name: np.abs(np.asarray(returns)) for name, returns in drawn.items()}

    def together(x, lag):
        hit = x > np.quantile(x, 0.95, axis=0)
        return hit[lag:, 1][hit[: hit.shape[0] - lag, 0]].mean()

    error = np.sqrt(0.05 * 0.95 / 400)
    assert abs(together(sizes["independent, heavy tails"], 0) - 0.05) < 4 * error
    assert abs(together(sizes["own volatility clusters"], 1) - 0.05) < 6 * error  # clusters: fewer independent ones
    assert together(sizes["common factor, heavy tails"], 0) > 0.2
    assert abs(together(sizes["common factor, heavy tails"], 1) - 0.05) < 4 * error
    assert together(sizes["common volatility, heavy tails"], 1) > 0.08


def test_a_delayed_factor_is_seen_first_by_a_third(key):
    x = np.asarray(NULL_MARKETS["common factor at different lags"](key, bars=4000, assets=3))

    def delay(a, b):
        shifted = [abs(np.corrcoef(x[2 + lag : 3900 + lag, a], x[2:3900, b])[0, 1]) for lag in range(-2, 3)]
        return abs(int(np.argmax(shifted)) - 2)

    assert sorted(delay(a, b) for a, b in ((0, 1), (1, 2), (0, 2))) == [1, 1, 2]


@pytest.mark.slow
@pytest.mark.stat
def test_known_graphs_are_found(key):
    found = recovery(stream(key, "cells"), bars=4096, assets=8, cells=4)
    assert found.f1 - 2.0 * found.standard_error > 0.6
    assert found.f1 >= 0.75
    assert found.precision > 0.7


@pytest.mark.slow
def test_false_edges_are_counted(key):
    found = null_rates("independent, heavy tails", key, bars=1024, assets=3, markets=4)
    assert found.markets == 4
    assert found.false_discovery_rate <= 0.25
    assert 0.0 < found.standard_error < 0.3
