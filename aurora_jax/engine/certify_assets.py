"""Each asset's interval and certificate for the next bar."""

from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..certification import Certificate, KappaParts, WidthState, certify, model_uncertainty, state_uncertainty
from ..core import Forecast
from ..student import StudentInfo
from .state import EngineState

if TYPE_CHECKING:
    from .engine import Engine


class CertifiedAssets(NamedTuple):
    """Certificates, the record of widths that now includes them, and widths over their usual size."""

    certificate: Certificate
    widths: WidthState
    relative_width: Float[Array, " assets"]


def certify_assets(
    engine: "Engine",
    state: EngineState,
    prediction: Forecast,
    belief: StudentInfo,
    *,
    widened: Bool[Array, ""],
    crossbar: Float[Array, " assets"],
    families: Float[Array, "assets families"],
) -> CertifiedAssets:
    """Emit each asset's interval and assemble its certificate."""
    nu = prediction.degrees_of_freedom

    def one(conformal, coverage, widths, mean, scale, index, log_variance, law):
        asked = {"in_transition": widened, "crossbar": index, "degrees_of_freedom": nu}
        interval = engine.conformal.interval(conformal, mean, scale, **asked)
        emission = engine.conformal.emission(conformal, **asked)
        width = interval.upper - interval.lower
        typical = widths.widths.quantile(0.5, empty=1.0)
        widths, rank = engine.width.step(widths, width)
        parts = KappaParts(
            state=state_uncertainty(
                posterior_spread(log_variance),
                typical_spread=engine.meta.typical_spread,
                log_spread_deviation=engine.meta.log_spread_deviation,
            ),
            model=model_uncertainty(law),
            forecast=rank,
        )
        bcc = engine.coverage.measure(coverage).bcc
        certificate = certify(conformal, emission, interval, bcc=bcc, kappa_parts=parts, standing=engine.standing)
        return certificate, widths, width / typical

    certified = jax.vmap(one)(
        state.conformal,
        state.coverage,
        state.widths,
        prediction.mean,
        prediction.scale,
        crossbar,
        belief.posterior.log_variance,
        families,
    )
    return CertifiedAssets(*certified)


def posterior_spread(log_variance: Float[Array, "*batch latent"]) -> Float[Array, "*batch"]:
    """Return the root mean variance of the latent posterior: what U_state is about."""
    return jnp.sqrt(jnp.mean(jnp.exp(log_variance.astype(float)), axis=-1))
