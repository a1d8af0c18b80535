"""The transfer gate: its statistics by hand, its verdicts as a table, its ends."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.certification import TailGraph, TransferGate, Verdict, effect_similarity, replicate, transfer_gate
from aurora_jax.certification.transfer_nodes import asked_of, tail_nodes
from aurora_jax.certification.transfer_verdict import Margins, decide
from aurora_jax.core import Outcome, root_key, stream
from aurora_jax.scenarios import ContagionJumps


def _graph(edges, effects=0.5, errors=0.02, p_values=None):
    edges = jnp.asarray(edges, bool)
    p_values = jnp.where(edges, 1e-6, 0.5) if p_values is None else jnp.asarray(p_values, float)
    full = [jnp.broadcast_to(jnp.asarray(part, float), edges.shape) for part in (effects, errors)]
    codes = jnp.zeros(edges.shape, int)
    return TailGraph(edges, *full, jnp.zeros(edges.shape), p_values, p_values, codes)


def _edges(*places, lags=2):
    edges = np.zeros((3, 3, lags), bool)
    for place in places:
        edges[place] = True
    return edges


def test_edges_found_again_by_hand():
    source = _graph(_edges((0, 1, 0), (0, 1, 1), (1, 2, 0)))
    p_values = np.full((3, 3, 2), 0.5)
    p_values[0, 1, 1] = 0.02  # times two lags: .04
    p_values[1, 2, 0] = 0.03  # times two lags: .06
    found = replicate(source, _graph(_edges(), p_values=p_values))
    np.testing.assert_array_equal(np.argwhere(found.found_again), [[0, 1]])
    assert float(found.share.value) == 0.5
    assert float(found.share.standard_error) == pytest.approx(np.sqrt(0.25 / 3))  # p = 1.5 / 3


def test_no_edge_no_ratio():
    found = replicate(_graph(_edges()), _graph(_edges((0, 1, 0))))
    assert int(found.share.outcome) == Outcome.TOO_SHORT
    assert np.isnan(found.share.value)


def test_similarity_by_hand_and_its_error_by_resampling():
    effects = np.full((2, 3, 3, 2), 0.5)
    effects[0][0, 1, 0], effects[0][1, 2, 0] = 0.8, 0.9
    effects[1][0, 1, 0], effects[1][1, 2, 0] = 0.9, 0.8
    first, second = _edges((0, 1, 0)), _edges((1, 2, 0))
    found = effect_similarity(_graph(first, effects[0]), _graph(second, effects[1]))
    assert float(found.value) == pytest.approx(0.24 / 0.25)  # (.3, .4) and (.4, .3)
    draws = np.random.default_rng(0).normal(size=(2, 40_000, 2)) * 0.02 + np.array([[[0.3, 0.4]], [[0.4, 0.3]]])
    cosine = np.sum(draws[0] * draws[1], 1) / np.linalg.norm(draws[0], axis=1) / np.linalg.norm(draws[1], axis=1)
    # Second order adds a per cent or two at errors of 5 to 7 % of the effects.
    assert float(found.standard_error) == pytest.approx(np.std(cosine), rel=0.05)


def test_opposite_effects_are_clipped():
    edge = _edges((0, 1, 0))
    found = effect_similarity(_graph(edge, 0.8), _graph(edge, 0.2))
    assert float(found.value) == 0.0


@pytest.mark.parametrize(
    ("passed_by", "error", "outcome", "enough", "verdict"),
    [
        ([0.1, 0.2, 0.05, 0.03], 0.01, 0, True, Verdict.READY),
        ([0.1, 0.2, 0.05, 0.03], 0.01, 0, False, Verdict.UNDECIDED),  # too few extremes
        ([0.1, 0.2, 0.05, 0.03], 0.01, 1, True, Verdict.UNDECIDED),  # a statistic that cannot be had
        ([0.1, 0.2, 0.05, 0.03], 0.06, 0, True, Verdict.UNDECIDED),  # an error above the tolerance of d H
        ([0.1, 0.2, -0.005, 0.03], 0.01, 0, True, Verdict.UNDECIDED),  # fails within its error
        ([0.1, 0.2, -0.02, 0.03], 0.01, 0, True, Verdict.NOT_READY),
        ([-0.5, 0.2, 0.05, 0.03], 0.01, 0, True, Verdict.NOT_READY),
    ],
)
def test_verdicts_by_table(passed_by, error, outcome, enough, verdict):
    found = Margins(
        jnp.asarray(passed_by),
        jnp.asarray([0.2, 0.3, 0.1, 0.05]),
        jnp.full(4, error),
        jnp.asarray([0, 0, outcome, 0]),
    )
    assert int(decide(found, enough=enough, deviations=1.0)) == verdict


def test_nodes_of_one_asset_by_hand():
    nodes = tail_nodes(jnp.asarray([[0.1], [-0.2]]))
    kept = 0.5**0.1
    np.testing.assert_allclose(nodes, [[0.1, -0.1, 0.1], [0.2, 0.2, kept * 0.1 + (1 - kept) * 0.2]])
    np.testing.assert_array_equal(asked_of(1)[:, 2], False)
    assert asked_of(4).all()
    np.testing.assert_array_equal(tail_nodes(jnp.asarray([[0.1, -0.2]])), [[0.1, 0.2]])


_judge = jax.jit(transfer_gate)


@pytest.fixture(scope="module")
def market():
    return ContagionJumps(assets=4, graph_seed=1).returns(stream(root_key(2), "market"), steps=4096)


def test_a_market_may_be_used_on_itself(market):
    found = _judge(market, market)
    assert int(found.verdict) == Verdict.READY
    assert float(found.ctr) == 1.0
    assert float(found.dcts) == pytest.approx(1.0)
    assert float(found.d_tail_index) == float(found.d_hurst) == 0.0
    assert all(float(error) > 0.0 for error in found.standard_errors._replace(dcts=1.0))
    assert int(found.tail_count) == 204
    # The root of the true graph drives; a rate of false edges of 5 % allows for another now and then.
    parents = ContagionJumps(assets=4, graph_seed=1).graph().any(axis=1)
    assert np.all(np.asarray(found.drivers)[parents])
    assert np.sum(np.asarray(found.drivers) & ~parents) <= 1


def test_another_market_is_refused_and_nan_is_undecided(market):
    shuffled = np.random.default_rng(0).permuted(np.asarray(market), axis=0)
    assert int(_judge(market, jnp.asarray(shuffled)).verdict) == Verdict.NOT_READY
    holed = _judge(market, market.at[5].set(jnp.nan))
    assert int(holed.verdict) == Verdict.UNDECIDED
    assert np.isnan(holed.d_hurst)
    # Nothing that causes anything: there is no edge to be found again.
    assert int(_judge(jnp.asarray(shuffled), market).verdict) == Verdict.UNDECIDED


def test_domains_of_other_assets_are_refused(market):
    with pytest.raises(ValueError, match="same assets, had 4 and 2"):
        transfer_gate(market, market[:, :2])


@pytest.mark.slow
def test_one_asset_has_a_gate_too():
    """GARCH against itself has edges from volatility; white noise has none."""
    from aurora_jax.study import Law, simulate

    drawn = simulate(Law("GARCH", alpha=0.15, beta=0.8), stream(root_key(3), "one"), series=1, bars=4096).T
    found = _judge(drawn, drawn)
    assert found.drivers.shape == (3,)
    assert bool(found.drivers[2])
    white = jnp.asarray(np.random.default_rng(1).normal(size=(4096, 1)))
    assert int(_judge(white, white).verdict) == Verdict.UNDECIDED


@pytest.mark.slow
def test_too_few_extremes_decide_nothing(market):
    """4,096 bars have 204 extremes."""
    judge = jax.jit(lambda x: transfer_gate(x, x, settings=TransferGate(min_tail_count=205)))
    assert int(judge(market).verdict) == Verdict.UNDECIDED


@pytest.mark.slow
@pytest.mark.stat
def test_the_gate_has_power():
    """At 90 % acceptance fewer than 6 of 10 have a probability of 2 in 1,000; so have more than 4 rejections missed."""
    from aurora_jax.study import power

    key = stream(root_key(11), "power")
    same = power("same law", key, bars=4096, assets=8, pairs=10)
    other = power("no contagion", key, bars=4096, assets=8, pairs=6)
    assert same.ready >= 0.6
    assert other.ready == 0.0
    assert other.not_ready >= 0.8
