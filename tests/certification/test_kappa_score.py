import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.certification import KappaParts, kappa, kappa_plus

share = st.floats(0.0, 1.0)
weight = st.floats(0.01, 1.0)
WEIGHTS = KappaParts(0.5, 0.3, 0.2)


def test_kappa_by_hand():
    assert float(kappa(KappaParts(0.2, 0.6, 1.0), WEIGHTS)) == pytest.approx(0.1 + 0.18 + 0.2)
    # weights are relative: (1 * .2 + 3 * .6) / 4
    assert float(kappa(KappaParts(0.2, 0.6, 1.0), KappaParts(1, 3, 0))) == pytest.approx(0.5)


def test_kappa_plus_by_hand():
    assert float(kappa_plus(0.4, 0.9, gamma=0.25)) == pytest.approx(0.25 * 0.4 + 0.75 * 0.1)
    assert float(kappa_plus(0.4, 0.9, gamma=1.0)) == pytest.approx(0.4)


@settings(max_examples=30, deadline=None)
@given(st.tuples(share, share, share), st.tuples(weight, weight, weight), st.integers(0, 2), share)
def test_kappa_is_bounded_and_monotone_in_each_part(parts, weights, raised, target):
    parts = KappaParts(*parts)
    name = KappaParts._fields[raised]
    more = parts._replace(**{name: max(target, getattr(parts, name))})
    low, high = (float(kappa(p, KappaParts(*weights))) for p in (parts, more))
    assert -1e-12 <= low <= high + 1e-12 <= 1.0 + 1e-9


@settings(max_examples=30, deadline=None)
@given(share, share, share, share, share)
def test_kappa_plus_is_bounded_and_monotone(value, more, bcc, less, gamma):
    base = float(kappa_plus(value, bcc, gamma=gamma))
    assert -1e-12 <= base <= 1.0 + 1e-12
    assert float(kappa_plus(max(value, more), bcc, gamma=gamma)) >= base - 1e-12
    assert float(kappa_plus(value, min(bcc, less), gamma=gamma)) >= base - 1e-12


def test_weights_that_are_all_zero_raise():
    with pytest.raises(Exception, match="not all be 0"):
        kappa(KappaParts(0.1, 0.1, 0.1), KappaParts(0.0, jnp.zeros(()), 0))
