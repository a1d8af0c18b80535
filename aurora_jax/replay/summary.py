"""The summary of a replay: what a risk manager asks first."""

import numpy as np

from ..governance import BlockReason, Decision
from .replay import ReplayRow


def summarise(rows: ReplayRow) -> dict[str, int | float]:
    """Return coverage, decisions, surprisal and reasons of the bars on which forecasts were live.

    Keys: bars, coverage, coverage_emitted_nominal, coverage_abs_err (between the two), mean_width, infinite_share,
    pass_share, derisk_share, block_share, flap_rate_k (switches per 1000 bars), surprisal_p95, latency_p95_ms (its
    greatest), avg_risk_scale, exec_block_rate and exec_block_rate.<reason>, kappa_plus_mean, kappa_plus_std,
    transition_share, saturated_share, releases. Without one settled forecast: bars = 0 alone.
    """
    info = rows.info
    live = np.asarray(info.outcome) == 0
    observed = np.asarray(info.settlement.observed) & live[:, None]
    if not observed.any():
        return {"bars": 0}
    decision = np.asarray(info.decision)[live]
    interval = info.certificate.interval
    width = (np.asarray(interval.upper) - np.asarray(interval.lower))[live]
    coverage = 1.0 - np.asarray(info.settlement.missed)[observed].mean()
    reasons = np.asarray(info.block_reason)[live]
    stopped = np.asarray(info.risk_scale)[live] == 0.0
    nominal = 1.0 - np.asarray(interval.miscoverage)[live].mean()
    summary = {
        "bars": int(live.sum()),
        "coverage": coverage,
        "coverage_emitted_nominal": nominal,
        "coverage_abs_err": abs(coverage - nominal),
        "mean_width": width[np.isfinite(width)].mean(),
        "infinite_share": 1.0 - np.isfinite(width).mean(),
        **{f"{d.name.lower()}_share": (decision == int(d)).mean() for d in Decision},
        "flap_rate_k": 1000.0 * np.asarray(info.switched)[live].mean(),
        "surprisal_p95": np.quantile(np.asarray(info.settlement.surprisal)[observed], 0.95),
        "latency_p95_ms": np.asarray(info.latency_p95_ms)[live].max(),
        "avg_risk_scale": np.asarray(info.risk_scale)[live].mean(),
        "exec_block_rate": stopped.mean(),
        "kappa_plus_mean": np.asarray(info.kappa_plus)[live].mean(),
        "kappa_plus_std": np.asarray(info.kappa_plus)[live].std(),
        "transition_share": np.asarray(info.in_transition)[live].mean(),
        "saturated_share": np.asarray(interval.saturated)[live].mean(),
        "releases": int(np.asarray(rows.released)[live].sum()),
    }
    for reason in BlockReason:
        if reason is not BlockReason.NONE:
            summary[f"exec_block_rate.{reason.label}"] = (stopped & (reasons == int(reason))).mean()
    return {name: float(value) if not isinstance(value, int) else value for name, value in summary.items()}
