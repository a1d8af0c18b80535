import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import Outcome
from aurora_jax.governance import Decision, Guard, GuardFlags, calm_thresholds
from aurora_jax.governance.calm_thresholds import LEVELS
from tests.governance.paths import acceptance

BARS = 2000
calm = jax.jit(calm_thresholds)


def quiet(bars=BARS):
    return GuardFlags(jnp.zeros((bars, len(Guard)), bool), jnp.zeros((bars, len(Guard)), bool))


@jax.jit
def pass_share(machine, kappa_plus, flags):
    step = lambda state, row: machine.step(state, kappa_plus=row[0], flags=row[1])  # noqa: E731
    info = jax.lax.scan(step, machine.init(), (kappa_plus, flags))[1]
    return jnp.mean((info.decision == int(Decision.PASS)).astype(float))


@pytest.fixture(scope="module")
def wandering():
    """An uncertainty that wanders slowly between .2 and .8, as in a calm market."""
    noise = jax.random.normal(jax.random.key(5), (BARS,))
    walk = jax.lax.scan(lambda x, e: ((0.98 * x + 0.2 * e),) * 2, 0.0, noise)[1]
    return 0.2 + 0.6 * jax.nn.sigmoid(walk)


def test_thresholds_are_the_stated_quantiles_of_the_score():
    """Scores 1/n, ..., n/n in a fixed order: at level l the quantile is the (l n + 1)-th smallest."""
    order = np.random.default_rng(0).permutation(BARS)
    kappa_plus = jnp.asarray(1.0 - (order + 1) / BARS)
    found = calm(acceptance(), kappa_plus, quiet(), pass_share=0.5)
    level = float(found.level)
    assert found.outcome == Outcome.OK
    np.testing.assert_allclose(found.acceptance.tau_pass, level + 1 / BARS)
    np.testing.assert_allclose(found.acceptance.tau_pass_up, 2 * level + 1 / BARS)
    np.testing.assert_allclose(found.acceptance.tau_derisk, level / 10 + 1 / BARS)
    np.testing.assert_allclose(found.acceptance.tau_derisk_up, level / 5 + 1 / BARS)


def test_a_calm_market_is_in_pass_and_no_stricter_level_would_do(wandering):
    assert pass_share(acceptance(), wandering, quiet()) < 0.2
    found = calm(acceptance(), wandering, quiet(), pass_share=0.9)
    assert found.outcome == Outcome.OK
    np.testing.assert_allclose(pass_share(found.acceptance, wandering, quiet()), found.pass_share)
    assert found.pass_share >= 0.9
    shares = [float(calm(acceptance(), wandering, quiet(), pass_share=s).level) for s in (0.8, 0.9, 0.95)]
    assert shares == sorted(shares, reverse=True)
    assert 0.001 < shares[1] < 0.1  # strict, yet not by accident the end of the list


def test_penalties_shift_the_quantiles_with_the_scores(wandering):
    flags = quiet()._replace(soft=quiet().soft.at[::50, Guard.WIDTH].set(True))
    plain = calm(acceptance(), wandering, flags, pass_share=0.5)
    charged = calm(acceptance(penalties={Guard.WIDTH: 0.3}), wandering, flags, pass_share=0.5)
    assert charged.acceptance.tau_derisk < plain.acceptance.tau_derisk
    assert charged.acceptance.tau_derisk >= 0


def test_a_market_always_under_a_guard_is_reported_as_infeasible(wandering):
    flags = quiet()._replace(soft=quiet().soft.at[:, Guard.WIDTH].set(True))
    found = calm(acceptance(), wandering, flags, pass_share=0.9)
    assert found.outcome == Outcome.INFEASIBLE
    np.testing.assert_allclose(found.level, LEVELS[-1])


def test_too_few_bars_leave_the_machine_alone():
    machine = acceptance()
    found = calm_thresholds(machine, jnp.full(50, 0.3), quiet(50))
    assert found.outcome == Outcome.TOO_SHORT
    assert found.acceptance.tau_pass == machine.tau_pass
