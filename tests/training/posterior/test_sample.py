import numpy as np
import pytest
from scipy import stats

from aurora_jax.config.posterior import PriorsConfig, SamplerConfig
from aurora_jax.core import lenient, stream
from aurora_jax.training.posterior import (
    PARAMETERS,
    Calibration,
    predictive_check,
    prior_laws,
    simulate_observations,
)

TRUTH = {
    "hurst": 0.12,
    "volatility_of_volatility": 0.3,
    "error_scale": 1.0,
    "jump_intensity": 0.04,
    "branching_ratio": 0.6,
    "decay": 0.15,
    "tail_index": 0.3,
    "tail_scale": 1.0,
}


def test_priors_are_what_scipy_says():
    laws = prior_laws(PriorsConfig())
    assert tuple(laws) == PARAMETERS
    with lenient():
        assert float(laws["hurst"].log_prob(0.2)) == pytest.approx(stats.beta.logpdf(0.2, 2.0, 5.0))
        assert float(laws["decay"].log_prob(0.3)) == pytest.approx(stats.lognorm.logpdf(0.3, 1.0, scale=0.1))


@pytest.mark.slow
def test_known_parameters_are_recovered(key):
    market = simulate_observations(stream(key, "market"), TRUTH, bars=3000, error_variance=0.08)
    calibrate = Calibration(PriorsConfig(), SamplerConfig(chains=2, warm_up=300, draws=300, r_hat_below=1.04))
    seen = []
    found = calibrate(stream(key, "fit"), market, on_progress=seen.append)
    assert found.convergence.usable, found.message
    assert found.divergences < 20
    assert [now.step for now in seen] == list(range(20, 601, 20))
    assert seen[-1] == (600, 600, 300, found.divergences)
    assert all(now.divergences == 0 for now in seen if now.step <= now.warm_up)  # those of the warm-up do not count
    for name, truth in TRUTH.items():
        one = found.marginals[name]
        assert abs(one.mean - truth) < 3.0 * one.deviation, name
        assert one.effective_size > 80.0
    assert found.marginals["hurst"].deviation < 0.03  # the prior's is 0.16
    again = calibrate(stream(key, "fit"), market)
    for name in PARAMETERS:
        np.testing.assert_array_equal(again.draws[name], found.draws[name])
    check = predictive_check(stream(key, "check"), found, market, markets=40)
    assert check.observed.sum() == market.event_bars.size
    for name, one in check.checks.items():
        assert 0.01 < one.p_value < 0.99, name
