"""A certificate as plain values that any file format holds, and back."""

import math
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Interval, Outcome

from .certificate import Certificate, Standing
from .kappa_score import KappaParts
from .transfer_verdict import Verdict

_UNBOUNDED = {math.inf: "inf", -math.inf: "-inf"}


def certificate_record(certificate: Certificate, *, model_digest: str, config_digest: str) -> dict[str, Any]:
    """Return the certificate of one asset as strings, numbers and truth values; `certificate_from_record` reads it.

    Doubles keep all their digits; a bound or quantile that is infinite is the word "inf" or "-inf", as JSON has no such
    number. Codes are their names.

    Args:
        certificate: of one asset: scalars throughout.
        model_digest: of the weights that forecast.
        config_digest: of the settings that certified.

    Raises:
        ValueError: if the certificate is of several assets (pick one first), or holds a NaN, which no certificate does.
    """
    if jnp.ndim(certificate.outcome):
        raise ValueError(f"a record is of one asset, the certificate is of {jnp.shape(certificate.outcome)}.")
    interval = certificate.interval
    return {
        "lower": _number(interval.lower),
        "upper": _number(interval.upper),
        "miscoverage": _number(interval.miscoverage),
        "saturated": bool(interval.saturated),
        "state_miscoverage": _number(certificate.state_miscoverage),
        "quantile": _number(certificate.quantile),
        "coverage_ema": _number(certificate.coverage_ema),
        "bcc": _number(certificate.bcc),
        "kappa_parts": {name: _number(part) for name, part in certificate.kappa_parts._asdict().items()},
        "transfer": Verdict(int(certificate.standing.transfer)).name,
        "causal_coverage": bool(certificate.standing.causal_coverage),
        "conservative": bool(certificate.standing.conservative),
        "outcome": Outcome(int(certificate.outcome)).name,
        "model_digest": model_digest,
        "config_digest": config_digest,
    }


def certificate_from_record(record: dict[str, Any]) -> Certificate:
    """Return the certificate that a record is of, to the bit; its digests stay in the record.

    Raises:
        ValueError: if a field is missing, a name unknown or a number none; names it.
    """
    try:
        return Certificate(
            interval=Interval(
                lower=_array(record["lower"]),
                upper=_array(record["upper"]),
                miscoverage=_array(record["miscoverage"]),
                saturated=jnp.asarray(record["saturated"], bool),
            ),
            state_miscoverage=_array(record["state_miscoverage"]),
            quantile=_array(record["quantile"]),
            coverage_ema=_array(record["coverage_ema"]),
            bcc=_array(record["bcc"]),
            kappa_parts=KappaParts(*(_array(record["kappa_parts"][name]) for name in KappaParts._fields)),
            standing=Standing(
                jnp.asarray(int(Verdict[record["transfer"]])),
                jnp.asarray(record["causal_coverage"], bool),
                jnp.asarray(record["conservative"], bool),
            ),
            outcome=jnp.asarray(int(Outcome[record["outcome"]])),
        )
    except KeyError as error:
        raise ValueError(f"a certificate's record has no {error.args[0]!r}, or does not know it.") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"a certificate's record holds something that is no number: {error}.") from None


def _number(value: Any) -> float | str:
    number = float(value)
    if math.isnan(number):
        raise ValueError("a certificate holds no NaN, this one does: check where it comes from.")
    return _UNBOUNDED.get(number, number)


def _array(value: Any) -> Float[Array, ""]:
    return jnp.asarray(float(value), jnp.float64)
