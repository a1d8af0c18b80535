import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.certification import ForecastUncertainty, model_uncertainty, state_uncertainty

positive = st.floats(1e-6, 1e6)


def test_state_uncertainty_by_hand():
    assert float(state_uncertainty(3.0, typical_spread=3.0)) == pytest.approx(0.5)
    assert float(state_uncertainty(6.0, typical_spread=3.0)) == pytest.approx(2 / 3)
    # b = 1/2 squares the odds: 2**2 / (1 + 2**2)
    assert float(state_uncertainty(6.0, typical_spread=3.0, log_spread_deviation=0.5)) == pytest.approx(0.8)
    assert float(state_uncertainty(0.0, typical_spread=3.0)) == 0.0


@settings(max_examples=30, deadline=None)
@given(positive, positive, positive)
def test_state_uncertainty_is_bounded_and_monotone(small, more, typical):
    low, high = (float(state_uncertainty(s, typical_spread=typical)) for s in (small, small + more))
    assert 0.0 <= low <= high <= 1.0


def test_model_uncertainty_by_hand():
    assert float(model_uncertainty(jnp.array([1.0, 0.0, 0.0]))) == 0.0
    assert float(model_uncertainty(jnp.full(3, 1 / 3))) == pytest.approx(1.0)
    assert float(model_uncertainty(jnp.array([0.5, 0.5, 0.0]))) == pytest.approx(np.log(2) / np.log(3))
    with pytest.raises(ValueError, match="got 1"):
        model_uncertainty(jnp.ones(1))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3).filter(lambda p: sum(p) > 0.1), st.floats(0.0, 1.0))
def test_mixing_towards_uniform_never_lowers_model_uncertainty(weights, mix):
    p = np.array(weights) / sum(weights)
    plain = float(model_uncertainty(jnp.asarray(p)))
    mixed = float(model_uncertainty(jnp.asarray((1 - mix) * p + mix / 3)))
    assert 0.0 <= plain <= mixed + 1e-12 <= 1.0 + 1e-12


def test_forecast_uncertainty_equals_a_slow_twin(key):
    widths = np.array(jax.random.gamma(key, 2.0, (150,)))
    widths[70], widths[90] = np.inf, 0.0
    part = ForecastUncertainty(window_bars=20)
    _, values = jax.lax.scan(part.step, part.init(), jnp.asarray(widths))
    held, relatives = [], []
    for width, value in zip(widths, np.asarray(values), strict=True):
        if np.isinf(width):
            assert value == 1.0
            continue
        past = relatives[-20:]
        if held:
            typical = sorted(held[-20:])[(len(held[-20:]) + 1) // 2 - 1]
            relative = width / typical
            expected = np.mean([(p < relative) + 0.5 * (p == relative) for p in past]) if past else 0.5
            assert value == pytest.approx(expected, abs=1e-12)
            relatives.append(relative)
        else:
            assert value == 0.5
        held.append(width)


def test_forecast_uncertainty_of_a_price_is_relative_to_its_level():
    part = ForecastUncertainty(window_bars=4)
    state = part.init()
    for width, level in ((1.0, 100.0), (2.0, -100.0), (3.0, 100.0)):
        state, _ = part.step(state, width, level=level)
    _, value = part.step(state, 5.0, level=200.0)  # .025 among .01 .02 .03
    assert float(value) == pytest.approx(2 / 3)


def test_flat_market_then_any_width_is_the_widest():
    part = ForecastUncertainty(window_bars=4)
    state = part.init()
    for _ in range(3):
        state, value = part.step(state, 0.0)
        assert float(value) == 0.5
    _, value = part.step(state, 1e-3)
    assert float(value) == 1.0


@pytest.mark.parametrize("width", [np.nan, -1.0])
def test_impossible_width_raises(width):
    part = ForecastUncertainty(window_bars=4)
    with pytest.raises(Exception, match="NaN or negative"):
        part.step(part.init(), width)
    with pytest.raises(ValueError, match="was 1"):
        ForecastUncertainty(window_bars=1)
