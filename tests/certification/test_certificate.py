import jax.numpy as jnp
import pytest

from aurora_jax.certification import AdaptiveConformal, KappaParts, certify
from aurora_jax.core import Outcome

PARTS = KappaParts(0.1, 0.2, 0.3)


@pytest.fixture(scope="module")
def controller():
    return AdaptiveConformal(window_bars=10, cold_start_scores=3, coverage_ema_bars=2, miscoverage_min=0.1)


def certificate(controller, state):
    emission = controller.emission(state)
    interval = controller.interval(state, 5.0, 2.0)
    return certify(state, emission, interval, bcc=jnp.asarray(0.7), kappa_parts=PARTS)


def warm_state(controller):
    state = controller.init()
    for score in (0.5, 1.5, 1.0, 3.0, 0.7, 0.2, 1.1, 0.9, 2.0, 1.7):
        state, _ = controller.step(state, score)
    return state


def test_every_field_means_what_it_says(controller):
    state = warm_state(controller)._replace(miscoverage=jnp.asarray(0.15), coverage_ema=jnp.asarray(0.8))
    record = certificate(controller, state)
    assert int(record.outcome) == Outcome.OK
    assert float(record.quantile) == 3.0  # rank ceil(11 * .85) = 10 of 10
    assert (float(record.interval.lower), float(record.interval.upper)) == (-1.0, 11.0)
    assert float(record.interval.miscoverage) == float(record.state_miscoverage) == 0.15
    assert float(record.coverage_ema) == 0.8
    assert float(record.bcc) == 0.7
    assert record.kappa_parts == PARTS


def test_outcomes_in_order_of_gravity(controller):
    cold = controller.init()
    assert int(certificate(controller, cold).outcome) == Outcome.WARMING_UP
    abstaining = cold._replace(miscoverage=jnp.asarray(-0.01))
    assert int(certificate(controller, abstaining).outcome) == Outcome.REFUSED
    # a state of .05 asks for rank ceil(11 * .95) = 11 of 10: infinite as well
    assert int(certificate(controller, warm_state(controller)._replace(miscoverage=jnp.asarray(0.05))).outcome) == (
        Outcome.REFUSED
    )
