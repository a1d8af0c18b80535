import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from aurora_jax.core import require_x64, strongly_typed, student_t_expected_shortfall, student_t_quantile


@pytest.mark.parametrize("nu", [2.1, 3.0, 4.0, 10.0, 60.0])
def test_quantile_agrees_with_scipy(nu):
    p = np.array([1e-4, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999])
    np.testing.assert_allclose(student_t_quantile(jnp.asarray(p), nu), stats.t.ppf(p, nu), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("nu", "p", "printed"), [(4.0, 0.025, 3.9935570227), (3.0, 0.025, 5.0395830611)])
def test_expected_shortfall_closed_form(nu, p, printed):
    assert abs(float(student_t_expected_shortfall(p, nu)) - printed) < 1e-9


def test_single_precision_is_refused_by_name():
    with jax.enable_x64(False), pytest.raises(RuntimeError, match=r"dro_es.*enable_x64"):
        require_x64("dro_es")


def test_strong_types_keep_values_and_spare_a_compilation():
    traces = []

    @jax.jit
    def successor(x):
        traces.append(1)
        return x + jnp.ones((), x.dtype)

    weak = jnp.asarray(1.0)
    successor(successor(strongly_typed(weak)))
    assert strongly_typed(weak) == weak
    assert len(traces) == 1
