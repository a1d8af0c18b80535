"""Paths through the acceptance machine: one jitted scan for all tests, and random paths with long enough runs."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st

from aurora_jax.governance import Acceptance, Guard, GuardFlags

BARS = 48  # one length for all, so that the scan is compiled once


class Path(NamedTuple):
    kappa_plus: np.ndarray
    soft: np.ndarray
    hard: np.ndarray
    kill: np.ndarray
    release: np.ndarray


def acceptance(**changes):
    settings = {
        "tau_pass": 0.7,
        "tau_derisk": 0.4,
        "tau_pass_up": 0.8,
        "tau_derisk_up": 0.5,
        "dwell_pass_bars": 3,
        "dwell_derisk_bars": 4,
        "cooldown_block_bars": 5,
        "clean_window_bars": 3,
        "fast_path": False,
        "penalties": {},
    }
    return Acceptance(**{**settings, **changes})


def path(segments):
    """Lay out (bars, kappa_plus, soft guards, hard guards, kill, release), repeating the last one up to BARS."""
    rows = []
    for bars, kappa_plus, soft, hard, kill, release in segments:
        flags = [[guard in raised for guard in Guard] for raised in (soft, hard)]
        rows += [(kappa_plus, *flags, kill, release)] * bars
    rows = (rows + [rows[-1]] * BARS)[:BARS]
    return Path(*(np.array(column) for column in zip(*rows, strict=True)))


def calm(bars, a=1.0, soft=(), hard=(), kill=False, release=False):
    """Return a segment whose score before penalties is `a`."""
    return (bars, 1.0 - a, soft, hard, kill, release)


@jax.jit
def run(machine, inputs):
    """Return (states, infos) along a path."""

    def bar(state, row):
        flags = GuardFlags(row.soft, row.hard)
        state, info = machine.step(state, kappa_plus=row.kappa_plus, flags=flags, kill=row.kill, release=row.release)
        return state, (state, info)

    return jax.lax.scan(bar, machine.init(), jax.tree.map(jnp.asarray, inputs))[1]


@jax.jit
def step(machine, state, kappa_plus, flags, kill=False, release=False, volatility_ratio=1.0):
    """Advance one bar, compiled once."""
    return machine.step(
        state, kappa_plus=kappa_plus, flags=flags, kill=kill, release=release, volatility_ratio=volatility_ratio
    )


guards = st.lists(st.sampled_from(list(Guard)), max_size=2).map(tuple)
segment = st.tuples(
    st.integers(1, 12),
    # Never a tie with a threshold: there the order of summation of the penalties would decide.
    st.integers(0, 19).map(lambda n: (2 * n + 1) / 40),
    st.just(()) | guards,
    st.just(()) | st.just(()) | guards,
    st.sampled_from([False, False, False, True]),
    st.sampled_from([False, False, True]),
)
paths = st.lists(segment, min_size=1, max_size=10).map(path)
machines = st.fixed_dictionaries(
    {
        "dwell_pass_bars": st.integers(1, 4),
        "dwell_derisk_bars": st.integers(1, 6),
        "cooldown_block_bars": st.integers(1, 8),
        "clean_window_bars": st.integers(1, 8),
        "fast_path": st.booleans(),
        "penalties": st.lists(st.integers(0, 6).map(lambda n: n / 20), min_size=10, max_size=10).map(jnp.array),
    }
).map(lambda changes: acceptance(**changes))
