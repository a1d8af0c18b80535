"""Weighted, block and P2 bounds behind the interface of the plain one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from aurora_jax.certification import BlockConformal, PlainConformal, WeightedConformal
from tests.statistics import assert_mean

SCORES = jnp.array([8.0, 1.0, 5.0, 3.0, 2.0, 7.0, 4.0, 6.0, 9.0])


def weighted_twin(scores, decay, miscoverage):
    """Walk the definition: the least score (or infinity) below which lies the share 1 - alpha of all weight."""
    weights = [np.exp(-decay * (len(scores) - place)) for place in range(len(scores))]
    needed = (1 - miscoverage) * (1 + sum(weights))
    for bound in [*sorted(scores), np.inf]:
        reached = sum(w for s, w in zip(scores, weights, strict=True) if s <= bound) + (bound == np.inf)
        if reached >= needed - 1e-9:
            return bound
    raise AssertionError


def block_twin(scores, block, miscoverage):
    """By ranks, as the specification has it: block maxima of ranks, their conformal order statistic, its score."""
    ranks = np.argsort(np.argsort(scores)) + 1
    blocks = [max(ranks[end - block : end]) for end in range(len(scores), block - 1, -block)]
    place = int(np.ceil((len(blocks) + 1) * (1 - miscoverage) - 1e-9))
    return np.inf if place > len(blocks) else np.sort(scores)[sorted(blocks)[place - 1] - 1]


@eqx.filter_jit
def _quantile(rule, scores, miscoverage, held):
    return rule.quantile(scores, miscoverage=miscoverage, held=held)


def quantile(rule, scores, miscoverage, held=None):
    """Compile once for each rule and length; decay, alpha and how many are held are numbers."""
    rule = jax.tree.map(jnp.asarray, rule)
    return float(
        _quantile(
            rule, jnp.asarray(scores), jnp.asarray(miscoverage), jnp.asarray(len(scores) if held is None else held)
        )
    )


def test_weighted_by_hand():
    # decay log 2: weights 1/4 and 1/2 for 5 and 3, 1 for the atom, 7/4 in all.
    rule = WeightedConformal(decay_per_bar=float(np.log(2.0)))
    bounds = [quantile(rule, [5.0, 3.0], alpha) for alpha in (0.75, 0.65, 0.5)]
    # needed 7/16 <= 1/2; 49/80 in (1/2, 3/4]; 7/8 > 3/4
    assert bounds == [3.0, 5.0, np.inf]


def test_block_by_hand():
    # blocks of two from the end, 8 left over: (1, 5) (3, 2) (7, 4) (6, 9), maxima 5 3 7 9
    rule = BlockConformal(block_bars=2)
    assert [quantile(rule, SCORES, a) for a in (0.1, 0.2, 0.4, 0.6)] == [np.inf, 9.0, 7.0, 5.0]


@pytest.mark.parametrize("miscoverage", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("held", [0, 1, 5, 14, 82, 83])
def test_variants_equal_their_twins_of_any_number_held(key, miscoverage, held):
    """A window that is not full yet is a shorter one."""
    scores = np.asarray(jr.exponential(key, (83,)))
    seen = scores[83 - held :]
    for decay in (0.0, 0.01, 0.1):
        found = quantile(WeightedConformal(decay_per_bar=decay), scores, miscoverage, held)
        assert found == weighted_twin(seen, decay, miscoverage)
    for block in (1, 3, 7):
        assert quantile(BlockConformal(block_bars=block), scores, miscoverage, held) == block_twin(
            seen, block, miscoverage
        )
    rank = int(np.ceil((held + 1) * (1 - miscoverage) - 1e-9))
    plain = np.sort(seen)[rank - 1] if rank <= held else np.inf
    rules = WeightedConformal(decay_per_bar=0.0), BlockConformal(block_bars=1), PlainConformal()
    assert [quantile(rule, scores, miscoverage, held) for rule in rules] == [plain] * 3


def test_only_the_plain_rule_forgets_the_order(key):
    scores = np.asarray(jr.exponential(key, (83,))) * np.arange(1.0, 84.0)
    assert quantile(PlainConformal(), scores, 0.2) == quantile(PlainConformal(), scores[::-1], 0.2)
    # Growing scores: what is recent is larger.
    rule = WeightedConformal(decay_per_bar=0.05)
    assert quantile(rule, scores, 0.2) > quantile(rule, scores[::-1], 0.2)


@pytest.mark.stat
def test_weights_follow_a_law_that_has_changed(key):
    """Scores three times as large since 60 bars: the plain rule covers too little, the weighted one less so."""
    late = jnp.where(jnp.arange(301) >= 240, 3.0, 1.0)
    scores = jr.exponential(key, (1500, 301)) * late[None]
    covered = {
        name: np.asarray(
            scores[:, -1] <= jax.vmap(lambda row, r=rule: r.quantile(row, miscoverage=0.1))(scores[:, :-1])
        )
        for name, rule in {"plain": PlainConformal(), "weighted": WeightedConformal(decay_per_bar=0.05)}.items()
    }
    # Exponential scores: the plain bound solves .8 exp(-q) + .2 exp(-q / 3) = .1, which gives q = 3.072 and misses
    # of a late score exp(-q / 3) = .359.
    assert_mean(~covered["plain"], 0.359, bias=0.01)
    assert_mean(covered["weighted"], 0.9, bias=0.03)


@pytest.mark.stat
def test_blocks_cover_a_whole_block_of_dependent_scores(key):
    """Scores come in clumps of five equal ones: the next clump is covered together, as often as promised."""
    clumps = jr.exponential(key, (1500, 61))
    past = jnp.repeat(clumps[:, :-1], 5, axis=1)
    bound = jax.vmap(lambda row: BlockConformal(block_bars=5).quantile(row, miscoverage=0.1))(past)
    # 60 exchangeable blocks: rank ceil(61 * .9) = 55 of 61 places
    assert_mean(np.asarray(clumps[:, -1] <= bound), 55 / 61)


@pytest.mark.parametrize(
    ("make", "message"),
    [(lambda: WeightedConformal(decay_per_bar=-0.1), "was -0.1"), (lambda: BlockConformal(block_bars=0), "was 0")],
)
def test_wrong_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
