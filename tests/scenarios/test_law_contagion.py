"""The contagion law: its graph, its rates in closed form, its tail."""

import jax
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.scenarios import ContagionJumps


def test_the_graph_is_a_tree_known_by_its_seed():
    graph = ContagionJumps(assets=7, graph_seed=3).graph()
    assert graph.sum() == 6
    assert np.all(graph.sum(axis=0) <= 1)  # one parent at most
    assert np.all(np.linalg.matrix_power(graph.astype(int), 7) == 0)  # nobody is his own ancestor
    np.testing.assert_array_equal(graph, ContagionJumps(assets=7, graph_seed=3).graph())
    assert np.any(graph != ContagionJumps(assets=7, graph_seed=4).graph())
    assert not ContagionJumps(branching=0.0).graph().any()


def test_all_assets_have_the_rate():
    """(I - N)^-1 mu is the rate for each: mu = rate (1 - branching) but for the root."""
    law = ContagionJumps(assets=6, graph_seed=2, rate=0.03)
    np.testing.assert_allclose(law.process().stationary_rates, 0.03)
    # N_ij is of children in i of an event in j: the transpose of source by target.
    np.testing.assert_allclose(law.process().branching, 0.8 * law.graph().T)


@pytest.mark.stat
def test_jumps_come_at_the_rate_and_follow_parents(key):
    law = ContagionJumps(assets=3, graph_seed=0, jump_size=1000.0)
    returns, count = jax.vmap(lambda k: law.counted(k, steps=2000))(jax.random.split(stream(key, "law"), 20))
    totals = np.asarray(count).sum(axis=1)
    assert abs(totals.mean() - 3 * 0.04 * 2000) < 4.0 * totals.std() / np.sqrt(20)
    jumped = np.abs(np.asarray(returns)) > 100.0 * law.scale
    source, target = np.argwhere(law.graph())[0]
    follows = jumped[:, 1:, target][jumped[:, :-1, source]].mean()
    # A child within the next bar: .8 (1 - 1/e)^2 = .32; and one that came anyway.
    assert abs(follows - (1.0 - np.exp(-0.8 * (1 - np.exp(-1)) ** 2 - 0.04))) < 0.06


@pytest.mark.parametrize(
    "wrong",
    [{"branching": 1.0}, {"rate": 0.0}, {"decay": -1.0}, {"tail_index": 1.0}, {"hurst": 0.0}, {"graph_seed": -1}],
)
def test_what_no_law_can_have_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ContagionJumps(**wrong)
