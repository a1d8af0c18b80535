"""The engine online: one bar after another, settled, forecast, certified and decided, without allocation."""

import time
from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from aurora_jax.config import EngineConfig, parse_config
from aurora_jax.core import pack, strongly_typed
from aurora_jax.data import FeaturePipeline, MarketData, batch_features, fit_standardiser, load_packaged
from aurora_jax.engine import Engine, StreamParts, assemble, scenario_set
from aurora_jax.router import EVIDENCE, Router, RouterNetwork
from aurora_jax.serving.transitions import compiled, observe
from aurora_jax.student import DSSM, bind, fit_trailing

from .record import Contest, Timing, bar_times

WARM_UP, CALLS = 700, 2000
FEATURES = (
    "return_1", "return_5", "return_21", "volatility_10", "volatility_63", "bipower_ratio", "momentum",
    "relative_strength", "macd", "macd_signal", "bollinger_width", "bollinger_position", "drawdown", "skewness",
    "kurtosis",
)  # fmt: skip


def contests() -> Iterator[Contest]:
    """Take real daily bars through the step, twenty stocks together and one alone."""
    whole = load_packaged("us20").rows(0, WARM_UP + CALLS)
    for data in (whole, whole.select(whole.assets[:1])):
        yield _stepping(data)


def _stepping(data: MarketData) -> Contest:
    engine, before = _engine(data), compiled()[0]
    bars = [data.bar(index) for index in range(WARM_UP + CALLS)]

    def walk() -> tuple[np.ndarray, float]:
        packed, state, seconds, total = pack(engine), pack(strongly_typed(engine.init())), np.empty(len(bars)), 0.0
        for place, bar in enumerate(bars):
            started = time.perf_counter()
            state, told, _ = observe(packed, state, bar)  # as the service does: the report is on the host
            seconds[place] = time.perf_counter() - started
            total += float(told.kappa_plus) if place >= WARM_UP else 0.0
        return seconds[WARM_UP:], total / CALLS

    seconds, answer = walk()
    traces = compiled()[0] - before
    if traces != 1:
        raise RuntimeError(f"the step was traced {traces} times: a bar must never compile anew.")
    assets = len(data.assets)
    return Contest(
        what=f"engine step, {assets} asset{'s' if assets > 1 else ''}, {len(FEATURES)} features",
        unit="bars",
        work=1.0,
        ours=Timing(float(np.median(seconds)), answer, float(seconds.max() / seconds.min())),
        peers={"all bars in one scan": _scanned(engine, data, answer)},
        target="p99 <= 3 ms on one core",
        note=f"{CALLS:,} bars one after another after {WARM_UP} to warm up, the report read on the host; of the scan, "
        "its time over its bars; the answer is the mean kappa_plus; networks of the default sizes, untrained",
        extra=bar_times(seconds, traces),
    )


def _scanned(engine: Engine, data: MarketData, answer: float) -> Timing:
    """Time the same bars in one scan; what it finds must be what was found one by one."""

    @eqx.filter_jit
    def run(engine, bars):
        return jax.lax.scan(lambda state, bar: engine.step(state, bar), engine.init(), bars)[1].kappa_plus

    found, times = np.asarray(run(engine, data.bars())), []
    for _ in range(2):
        started = time.perf_counter()
        jax.block_until_ready(run(engine, data.bars()))
        times.append((time.perf_counter() - started) / found.size)
    mean = float(np.mean(found[WARM_UP:]))
    if abs(mean - answer) > 1e-12:
        raise RuntimeError(f"the scan's mean kappa_plus is {mean}, one by one it was {answer}.")
    return Timing(min(times), mean, max(times) / min(times))


def _engine(data: MarketData) -> Engine:
    stream = {"assets": data.assets, "ohlc": data.columns.ohlc, "volume": data.columns.volume, "weight_max": 1.0}
    content = {
        "streams": {data.symbol: stream},
        "features": FEATURES,
        "conformal": {"miscoverage": 0.1},
        "allocation": {"tail_probability": 0.05, "tail_rows": 32, "body_rows": 32},  # the step has no use for them
        "governance": {"guards": {"data_age_hard_max_s": 3e9}},
    }
    config = parse_config(EngineConfig, content, source="benchmarks/engine.py")
    past, rule = data.rows(0, WARM_UP), config.allocation
    returns = jnp.asarray(past.log_returns())
    parts = StreamParts(
        standardiser=fit_standardiser(np.asarray(batch_features(FeaturePipeline(FEATURES), past.bars()))[64:]),
        trailing=fit_trailing(returns),
        scenarios=scenario_set(
            jnp.broadcast_to(jnp.expm1(returns), (3, *returns.shape)),
            tail_probability=rule.tail_probability,
            tail_rows=rule.tail_rows,
            body_rows=rule.body_rows,
            simulated_share=rule.simulated_share,
        ),
        typical_spread=jnp.asarray(0.5),
        log_spread_deviation=jnp.asarray(0.5),
    )
    sizes = config.student
    network = DSSM(len(FEATURES), hidden=sizes.hidden, latent=sizes.latent, rngs=nnx.Rngs(1))
    structure, weights = nnx.split(RouterNetwork(len(FEATURES) + sizes.latent + EVIDENCE, rngs=nnx.Rngs(2)))
    router = Router(structure, nnx.to_pure_dict(weights), jnp.ones(()), config.crossbar.window_bars)
    return strongly_typed(assemble(config, data.symbol, parts, student=bind(network, parts.trailing), router=router))
