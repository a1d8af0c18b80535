"""Explanations of a whole engine on real bars, by object and by artifact: they are of what it served."""

import numpy as np
import pytest

from aurora_jax.core import Outcome
from aurora_jax.engine import save_artifact
from aurora_jax.explain import attribute, evidence_of, kappa_drivers
from tests.small_engine import ASSETS, BARS, WARM_UP_BARS, small, walk


@pytest.mark.slow
def test_an_engines_bars_are_explained_to_the_last_digit():
    """Uneven and short weights; what the engine reported is what the table sums to."""
    engine, walked = small("TRIO").engine, walk("TRIO")
    pairs = [(BARS - 1, WARM_UP_BARS), (WARM_UP_BARS + 3, BARS - 10)]
    for now, before in pairs:
        each = [evidence_of(walked.infos[t], walked.states[t].weights) for t in (now, before)]
        found = kappa_drivers(engine.meta, *each, assets=ASSETS)
        assert found.completeness_error < 1e-12
        assert found.kappa_plus == float(walked.infos[now].kappa_plus)
        assert found.drivers["change"].abs().max() > 1e-3
        parts = found.by_part["to_kappa"] - kappa_drivers(engine.meta, each[1]).by_part["to_kappa"]
        np.testing.assert_allclose(parts, found.by_part["change_to_kappa"], atol=1e-12)
    with pytest.raises(ValueError, match="weights must be 3 numbers, one for each asset, had shape"):
        evidence_of(walked.infos[BARS - 1], np.ones(2))


@pytest.mark.slow
def test_shares_are_of_absolute_weights():
    info = walk("TRIO").infos[BARS - 1]
    np.testing.assert_allclose(evidence_of(info, np.array([1.0, -0.5, 0.5])).weight, [0.5, 0.25, 0.25])
    np.testing.assert_allclose(evidence_of(info, np.zeros(3)).weight, np.full(3, 1.0 / 3.0))


@pytest.mark.slow
def test_an_artifact_explains_what_its_engine_serves(tmp_path):
    made, info = small("TRIO"), walk("TRIO").infos[-1]
    history = made.data.rows(0, BARS)
    folder = save_artifact(
        tmp_path / "artifact", config=made.config, trees=made.trees, metrics={}, data={}, seed=0, keys=None
    )
    for place, name in enumerate(ASSETS):
        found = attribute(folder, history, asset=name, bars=2)
        assert found.outcome == Outcome.OK
        assert found.completeness_error < 0.01
        assert found.forecast == pytest.approx(float(info.forecast.quantiles[place, 0]), rel=1e-5)
    by_object = attribute(made.engine, history, asset=ASSETS[-1], bars=2)
    np.testing.assert_allclose(by_object.drivers["contribution"], found.drivers["contribution"], rtol=1e-6)
    with pytest.raises(ValueError, match="the history is of JPM; this student reads AAPL, JPM, XOM"):
        attribute(folder, history.select(["JPM"]), asset="JPM")
