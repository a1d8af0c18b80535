import numpy as np
import pytest

from aurora_jax.scenarios import Severity
from aurora_jax.training.posterior import PARAMETERS, Posterior, cell_priors, severities
from aurora_jax.training.posterior.sample import marginal


def posterior(apart=0.0, draws=500):
    rng = np.random.default_rng(4)
    values = {name: rng.uniform(0.1, 0.9, (4, draws)) for name in PARAMETERS}
    values["hurst"][0] += apart
    return Posterior(values, {name: marginal(v) for name, v in values.items()}, 0, 500, 1.05)


def test_severities_are_joint_draws():
    found = posterior()
    drawn = severities(found, cells=300, seed=1)
    immigrants = found.pooled("jump_intensity") * (1.0 - found.pooled("branching_ratio"))
    for one in drawn:
        (place,) = np.flatnonzero(found.pooled("hurst") == one["hurst"])
        assert one["branching_ratio"] == found.pooled("branching_ratio")[place]
        assert one["jump_intensity"] == pytest.approx(immigrants[place] / np.median(immigrants))
        assert one["degrees_of_freedom"] == pytest.approx(max(1.0 / found.pooled("tail_index")[place], 2.05))
        Severity(**one)
    assert len({one["hurst"] for one in drawn}) == 300
    assert np.median([one["jump_intensity"] for one in drawn]) == pytest.approx(1.0, abs=0.15)


def test_same_seed_same_cells():
    found = posterior()
    assert severities(found, cells=5, seed=1) == severities(found, cells=5, seed=1)
    assert severities(found, cells=5, seed=1) != severities(found, cells=5, seed=2)


def test_priors_are_the_posteriors_quantiles():
    found = posterior()
    priors = cell_priors(found)
    assert sorted(priors) == ["branching_ratio", "hurst", "jump_intensity", "tail_index"]
    draws = np.sort(found.pooled("hurst"))
    assert abs(np.searchsorted(draws, priors["hurst"].quantiles["0.05"]) - 0.05 * draws.size) <= 1
    assert priors["hurst"].mean == pytest.approx(draws.mean())


def test_what_did_not_converge_is_not_drawn_from():
    found = posterior(apart=0.5)
    assert not found.convergence.usable
    assert found.worst == "hurst"
    for use in (cell_priors, lambda p: severities(p, cells=1, seed=0)):
        with pytest.raises(ValueError, match="cannot be drawn from: not converged: R-hat of hurst is 1"):
            use(found)


def test_more_cells_than_draws_are_refused():
    with pytest.raises(ValueError, match=r"cells must lie in \[1, 2000\].*was 2001"):
        severities(posterior(), cells=2001, seed=0)
