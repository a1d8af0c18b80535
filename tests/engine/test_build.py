"""Settings reach the objects that are built from them."""

from aurora_jax.config.engine import CrossbarConfig
from aurora_jax.engine import crossbar_of, transition_of


def test_the_crossbars_lengths_and_levels_are_those_of_the_configuration():
    config = CrossbarConfig(recent_bars=40, long_bars=300, half_life_bars=3.0, index_on=2.5, min_transition_bars=7)
    index, transition = crossbar_of(config), transition_of(config)
    assert (index.recent_bars, index.long_bars, float(index.half_life_bars)) == (40, 300, 3.0)
    assert (float(transition.index_on), int(transition.min_transition_bars)) == (2.5, 7)
