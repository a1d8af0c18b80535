import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import Outcome
from aurora_jax.engine import ScenarioSet
from aurora_jax.governance import Decision
from tests.compiler import as_for_users
from tests.small_engine import BARS, WARM_UP_BARS, assert_bitwise, first, scan, small, walk

AT = 120  # a bar long after warming up


@pytest.fixture(scope="module")
def trio():
    return small("TRIO")


@pytest.fixture(scope="module")
def walked():
    return walk("TRIO")


@pytest.fixture(scope="module")
def scanned(trio):
    return scan(trio.engine, trio.engine.init(), first(trio.bars, BARS))


@pytest.fixture(scope="module")
def step(trio):
    return eqx.filter_jit(trio.engine.step)


@as_for_users
@pytest.mark.bits
def test_a_scan_is_the_step_called_one_by_one(walked, scanned):
    """What is served is what was replayed, to the bit."""
    state, infos = scanned
    assert_bitwise(state, walked.states[-1])
    assert_bitwise(infos, jax.tree.map(lambda *leaves: np.stack(leaves), *walked.infos))


@pytest.mark.bits
def test_later_bars_change_nothing_earlier(trio, scanned):
    bars = first(trio.bars, BARS)
    rough = np.where(np.arange(BARS)[:, None] >= AT, bars.close * np.linspace(0.5, 2.0, 3), bars.close)
    _, infos = scan(trio.engine, trio.engine.init(), bars._replace(close=rough))
    assert_bitwise(*(jax.tree.map(lambda leaf: leaf[:AT], found) for found in (infos, scanned[1])))
    assert not np.array_equal(infos.settlement.returns[AT], scanned[1].settlement.returns[AT])


def test_warming_up_is_said_and_trades_nothing(walked):
    for info in walked.infos[:WARM_UP_BARS]:
        assert (info.outcome, info.decision, info.risk_scale) == (Outcome.WARMING_UP, Decision.BLOCK, 0.0)
        assert not info.settlement.observed.any()
        assert not info.rebalance
    assert walked.infos[WARM_UP_BARS].outcome == Outcome.OK
    assert any(info.risk_scale > 0.0 for info in walked.infos[WARM_UP_BARS:])


@pytest.mark.bits
@pytest.mark.parametrize("price", [np.nan, np.inf, -1.0, 0.0])
def test_an_unusable_price_changes_nothing(trio, walked, step, price):
    bar = trio.data.bar(AT)
    state, info = step(walked.states[AT], bar._replace(close=bar.close * np.array([1.0, 0.0, 1.0]) + [0.0, price, 0.0]))
    assert_bitwise(state, walked.states[AT])
    assert (info.outcome, info.decision, info.risk_scale) == (Outcome.NON_FINITE, Decision.BLOCK, 0.0)
    assert not info.rebalance
    assert not any(np.isnan(leaf).any() for leaf in jax.tree.leaves(info) if leaf.dtype.kind == "f")


@pytest.mark.bits
@pytest.mark.parametrize("back", [1, 7])
def test_a_bar_that_is_not_later_changes_nothing(trio, walked, step, back):
    """A repeated bar and an old one."""
    state, info = step(walked.states[AT], trio.data.bar(AT - back))
    assert_bitwise(state, walked.states[AT])
    assert (info.outcome, info.decision, info.risk_scale) == (Outcome.REFUSED, Decision.BLOCK, 0.0)


def test_each_bar_settles_the_interval_of_the_bar_before(walked):
    """Missed is: the return lies outside what was promised one bar ago. Coverage follows by its recursion."""
    misses = 0
    for t in range(WARM_UP_BARS + 1, BARS):
        promised, found = walked.infos[t - 1].certificate.interval, walked.infos[t].settlement
        outside = np.asarray((found.returns < promised.lower) | (found.returns > promised.upper))
        np.testing.assert_array_equal(found.missed, outside)
        assert found.observed.all()
        before = walked.states[t].conformal
        np.testing.assert_allclose(
            found.coverage_ema,
            before.coverage_ema + (~outside * 1.0 - np.asarray(before.coverage_ema)) / 250.0,
            rtol=1e-12,
        )
        misses += int(outside.sum())
    assert misses > 0


def test_the_score_is_the_error_in_units_of_the_promised_scale(walked):
    for t in (WARM_UP_BARS + 1, BARS - 1):
        promised, found = walked.infos[t - 1].forecast, walked.infos[t].settlement
        scores = walked.states[t + 1].conformal.scores
        capacity = scores.arrivals.shape[1]
        for asset in range(3):
            newest = scores.arrivals[asset, (int(scores.count[asset]) - 1) % capacity]
            error = abs(found.returns[asset] - promised.mean[asset]) / promised.scale[asset]
            assert newest == pytest.approx(float(error), rel=1e-12)


def test_returns_are_those_of_the_closes(trio, walked):
    closes = trio.data.close
    np.testing.assert_allclose(walked.infos[AT].settlement.returns, np.log(closes[AT] / closes[AT - 1]), atol=1e-15)
    assert not walked.infos[0].settlement.returns.any()


@pytest.mark.bits
def test_an_imputed_asset_is_not_settled(trio, walked, step):
    """The second asset's bar was filled forward: its conformal and coverage records stand still, others' move."""
    before = walked.states[AT]
    bar = trio.data.bar(AT)._replace(imputed=np.array([False, True, False]))
    after, info = step(before, bar)
    np.testing.assert_array_equal(info.settlement.observed, [True, False, True])
    for record in ("conformal", "coverage", "surprisal"):
        old, new, settled = (getattr(state, record) for state in (before, after, walked.states[AT + 1]))
        for pair, same in (((old, new), 1), ((settled, new), 0), ((settled, new), 2)):
            assert_bitwise(*(jax.tree.map(lambda leaf, i=same: leaf[i], tree) for tree in pair))
    assert after.conformal.scores.count[0] == before.conformal.scores.count[0] + 1
    # Nor is it taken for a bar without a move: the student's memory and trailing volatility wait for the next one.
    old, new = before.student, after.student
    np.testing.assert_array_equal(new.hidden[1], old.hidden[1])
    assert new.trailing.variance[1] == old.trailing.variance[1]
    assert all(new.trailing.variance[asset] != old.trailing.variance[asset] for asset in (0, 2))


def test_slow_decisions_fall_back_to_a_simple_forecast_on_the_next_bar(trio, walked, step):
    """Beyond 150 ms the next bar forecasts an EWMA Student-t with five degrees of freedom, around zero."""
    slow, info = step(walked.states[AT], trio.data.bar(AT)._replace(latency_ms=np.asarray(151.0)))
    assert info.fallbacks.simple_model
    assert (info.forecast.mean != 0.0).any()
    _, after = step(slow, trio.data.bar(AT + 1))
    variance = 0.5 ** (1 / 11) * slow.student.trailing.variance + (1 - 0.5 ** (1 / 11)) * after.settlement.returns**2
    assert after.forecast.degrees_of_freedom == 5.0
    assert not after.forecast.mean.any()
    np.testing.assert_allclose(after.forecast.scale, np.sqrt(variance * 3.0 / 5.0), rtol=1e-12)
    # The 95 % quantile of Student-t with five degrees of freedom is 2.015048.
    np.testing.assert_allclose(after.forecast.quantiles[:, -1] / after.forecast.scale, 2.015048, rtol=1e-6)
    prompt, info = step(walked.states[AT], trio.data.bar(AT)._replace(latency_ms=np.asarray(150.0)))
    assert not info.fallbacks.simple_model
    assert step(prompt, trio.data.bar(AT + 1))[1].forecast.degrees_of_freedom != 5.0


def test_a_stream_needs_scenarios_of_its_own_assets(trio):
    wrong = ScenarioSet(jnp.zeros((3, 4, 2)), jnp.zeros((3, 4)), jnp.zeros(()))
    parts = {name: getattr(trio.engine, name) for name in trio.engine.__dataclass_fields__}
    with pytest.raises(ValueError, match="scenarios are of 2 assets, the stream has 3"):
        type(trio.engine)(**{**parts, "scenarios": wrong})


@pytest.mark.parametrize("column", ["close", "imputed"])
def test_a_bar_of_other_assets_is_refused_by_name(trio, walked, column):
    bar = trio.data.bar(AT)
    with pytest.raises(
        ValueError, match=rf"{column} must hold a value for each of the stream's 3 assets, had shape \(2,\)"
    ):
        trio.engine.step(walked.states[AT], bar._replace(**{column: getattr(bar, column)[:2]}))


def test_an_asset_whose_features_are_not_numbers_has_no_bar(trio, walked, step):
    """Its student waits, the others go on, and no NaN reaches a forecast, a family or a certificate."""
    before = walked.states[AT]
    memories = jax.tree.map(
        lambda leaf: leaf.at[1].set(jnp.nan) if leaf.dtype.kind == "f" else leaf, before.features.memories
    )
    after, info = step(before._replace(features=before.features._replace(memories=memories)), trio.data.bar(AT))
    for tree in (after._replace(features=None), info):
        assert not any(np.isnan(leaf).any() for leaf in jax.tree.leaves(tree) if leaf.dtype.kind == "f")
    np.testing.assert_array_equal(after.student.hidden[1], before.student.hidden[1])
    assert after.student.trailing.variance[1] == before.student.trailing.variance[1]
    for asset in (0, 2):
        assert after.student.trailing.variance[asset] == walked.states[AT + 1].student.trailing.variance[asset]
        assert (after.student.hidden[asset] != before.student.hidden[asset]).any()


def test_prices_that_never_move_leave_numbers_everywhere(trio, step):
    """From the first bar on, past the end of warming up."""
    bar, state = trio.data.bar(0), trio.engine.init()
    for index in range(WARM_UP_BARS + 5):
        state, info = step(state, bar._replace(time=bar.time + 86_400 * index))
        for tree in (state, info):
            assert not any(np.isnan(leaf).any() for leaf in jax.tree.leaves(tree) if leaf.dtype.kind == "f")
    assert info.outcome == Outcome.OK
    assert (info.forecast.scale > 0.0).all()
    np.testing.assert_array_equal(info.settlement.returns, 0.0)
