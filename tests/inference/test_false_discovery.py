import numpy as np
import pytest

from aurora_jax.inference import benjamini_yekutieli


def test_three_tests_by_hand():
    # m = 3, sum 1/i = 11/6: adjusted 3 x 11/6 x p / rank = .0055, .033 (.012 x 5.5 / 2), .55 (.3 x 5.5 / 3).
    found = benjamini_yekutieli(np.array([0.3, 0.001, 0.012]), false_discovery_rate=0.04)
    np.testing.assert_allclose(found.adjusted_p_values, [0.55, 0.0055, 0.033], rtol=1e-10)
    np.testing.assert_array_equal(found.rejected, [False, True, True])


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"numbers in \[0, 1\]"):
        benjamini_yekutieli(np.array([0.1, np.nan]))
    with pytest.raises(ValueError, match="was 0"):
        benjamini_yekutieli(np.array([0.1]), false_discovery_rate=0.0)
