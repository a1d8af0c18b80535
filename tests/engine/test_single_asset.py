import equinox as eqx
import numpy as np
import pytest

from aurora_jax.core import Outcome
from tests.small_engine import HISTORY_BARS, first, scan, small

SPOILT = 90  # its volume is missing
BARS = 110


@pytest.fixture(scope="module")
def done():
    index = small("INDEX")
    bars = first(index.bars, BARS)
    volume = np.where(np.arange(BARS)[:, None] == SPOILT, np.nan, bars.volume)
    state, infos = scan(index.engine, index.engine.init(), bars._replace(volume=volume))
    return index, state, infos


@pytest.mark.slow
def test_a_single_asset_with_all_columns_works_end_to_end(done):
    index, state, infos = done
    assert index.data.columns == (True, True)
    assert state.bars_seen == BARS - 1
    live = np.flatnonzero(infos.outcome == int(Outcome.OK))
    promised, found = infos.certificate.interval, infos.settlement
    for t in live[1:]:
        before = t - 1 if t - 1 != SPOILT else t - 2
        outside = (found.returns[t] < promised.lower[before]) | (found.returns[t] > promised.upper[before])
        np.testing.assert_array_equal(found.missed[t], outside)
    assert (infos.risk_scale[live] > 0.0).any()


@pytest.mark.slow
def test_a_missing_volume_is_refused_and_the_next_return_spans_it(done):
    index, _, infos = done
    assert infos.outcome[SPOILT] == Outcome.NON_FINITE
    assert infos.risk_scale[SPOILT] == 0.0
    close = index.data.close
    np.testing.assert_allclose(
        infos.settlement.returns[SPOILT + 1], np.log(close[SPOILT + 1] / close[SPOILT - 1]), rtol=1e-9
    )


@pytest.mark.slow
def test_a_single_asset_is_held_whole(done):
    index, state, _ = done
    assert state.history.count >= HISTORY_BARS
    _, allocation = eqx.filter_jit(index.engine.allocate)(state)
    np.testing.assert_allclose(allocation.weights, [1.0], atol=1e-9)
    assert allocation.outcome == Outcome.OK
