"""The engine: the one online step that backtest, replay and service share."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from ..certification import (
    AdaptiveConformal,
    CoverageCalibration,
    ForecastUncertainty,
    KappaParts,
    Standing,
    dro_es,
)
from ..core import Allocation, Bar, Number, Outcome, Regime, isolated, require_x64, strongly_typed
from ..crossbar import Transition, TwoLengths
from ..data import FeaturePipeline, Standardiser
from ..governance import (
    Acceptance,
    Command,
    ControlInfo,
    Decision,
    Fallbacks,
    Gating,
    Guards,
    KillSwitch,
    RollingQuantile,
    Surprisal,
)
from ..router import FAMILIES, Router
from ..student import Student
from . import advance
from .history import empty_history
from .incoming_bar import PRICES, check_assets, repaired
from .scenario_set import ScenarioSet, expected_shortfall, join
from .state import Climate, EngineInfo, EngineState, Pending


class AllocationRule(eqx.Module):
    """How weights are chosen.

    Attributes:
        tail_probability: p of the expected shortfall.
        radius_share: eps_0 over p ES_p of the equal-weight portfolio.
        lower: bound on each weight; `upper` likewise.
        rebalance_bars: bars between regular rebalancings.
        transition_gap_bars: least bars since the last one before the start of a transition triggers another.
        history_bars: own returns kept as scenarios; weights are first chosen when they are all there.
    """

    tail_probability: float = eqx.field(static=True, default=0.05)
    radius_share: Number = 0.1
    lower: Number = -0.2
    upper: Number = 0.5
    rebalance_bars: int = eqx.field(static=True, default=21)
    transition_gap_bars: int = eqx.field(static=True, default=5)
    history_bars: int = eqx.field(static=True, default=512)


class Meta(eqx.Module):
    """Weights that turn evidence into one meta-uncertainty.

    Attributes:
        kappa_weights: of state, model and forecast uncertainty.
        gamma: weight of kappa against the coverage record in kappa_plus.
        typical_spread: median posterior spread in training; `log_spread_deviation` its log's deviation.
        worst_share: share of assets whose worst the guards look at.
        warm_up_bars: bars before the first forecast counts.
        conservative: intervals are widened at all times, as in a transition.
    """

    kappa_weights: KappaParts
    gamma: Number
    typical_spread: Number
    log_spread_deviation: Number
    worst_share: float = eqx.field(static=True, default=0.1)
    warm_up_bars: int = eqx.field(static=True, default=128)
    conservative: bool = False


class Engine(eqx.Module):
    """Everything that one stream needs online, as one pytree: thresholds are leaves, so changing one never recompiles.

    `step`, `allocate` and `control` are pure. `step` and `allocate` give the same bits called one by one and inside a
    scan, so that a replay derives again what was served.
    """

    features: FeaturePipeline
    standardiser: Standardiser
    student: Student
    router: Router
    crossbar: TwoLengths
    transition: Transition
    conformal: AdaptiveConformal
    coverage: CoverageCalibration
    width: ForecastUncertainty
    relative_width: RollingQuantile
    surprisal: Surprisal
    latency: RollingQuantile
    guards: Guards
    acceptance: Acceptance
    gating: Gating
    kill_switch: KillSwitch
    meta: Meta
    scenarios: ScenarioSet
    allocation: AllocationRule
    standing: Standing

    def __check_init__(self):
        require_x64("Engine")
        if self.scenarios.returns.shape[2] != self.student.assets:
            raise ValueError(
                f"scenarios are of {self.scenarios.returns.shape[2]} assets, the stream has {self.student.assets}."
            )

    @property
    def assets(self) -> int:
        """Return the number of assets of the stream."""
        return self.student.assets

    @eqx.filter_jit
    def init(self) -> EngineState:
        """Start before the first bar, in PASS, with equal weights."""
        assets = self.assets

        def each(state):
            return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (assets, *leaf.shape)), state)

        student = self.student.init()
        idle, conformal = jnp.zeros((), bool), each(self.conformal.init())
        nothing = jnp.zeros(assets)
        uniform = jnp.full(len(FAMILIES), 1.0 / len(FAMILIES))
        forecast = self.student.step(student, jnp.zeros((assets, len(self.features.names))), nothing)[1].forecast
        interval = jax.vmap(self.conformal.interval)(conformal, forecast.mean, forecast.scale)
        start = EngineState(
            bars_seen=jnp.zeros((), int),
            time=jnp.asarray(jnp.iinfo(int).min),
            close=jnp.ones(assets),
            pending=Pending(forecast, interval, idle, nothing, idle),
            features=self.features.init(assets),
            student=student,
            crossbar=each(self.crossbar.init()),
            transition=self.transition.init(),
            conformal=conformal,
            coverage=each(self.coverage.init()),
            widths=each(self.width.init()),
            relative_width=each(self.relative_width.init()),
            surprisal=each(self.surprisal.init()),
            latency=self.latency.init(),
            acceptance=self.acceptance.init(),
            kill_switch=self.kill_switch.init(),
            fallbacks=Fallbacks(idle, idle, idle, idle, idle),
            drawdown=jnp.zeros(()),
            history=empty_history(self.allocation.history_bars, assets),
            climate=Climate(jnp.asarray(int(Regime.AR)), uniform, jnp.zeros(())),
            weights=jnp.full(assets, 1.0 / assets),
            bars_since_rebalance=jnp.zeros((), int),
        )
        # A weakly typed leaf would make the second bar's types differ from the first's: one more compilation.
        return strongly_typed(start)

    @isolated
    def step(self, state: EngineState, bar: Bar) -> tuple[EngineState, EngineInfo]:
        """Settle the previous forecast against `bar`, then forecast, certify and decide for the next one.

        A bar that is not finite and positive, or not later than the last one, changes nothing: its info carries the
        outcome, a BLOCK and a risk scale of 0.

        Raises:
            ValueError: if the bar is of another number of assets than the stream; names the column and both.
        """
        check_assets(bar, self.assets)
        outcome = self._judge(state, bar)
        taken = outcome == int(Outcome.OK)
        # A refused bar is replaced before anything is computed from it, so that no NaN can enter any state.
        safe = bar._replace(**{name: repaired(name, bar, state) for name in PRICES})
        after, info = self._take_in(state, safe)
        after = jax.tree.map(lambda new, old: jnp.where(taken, new, old), after, state)
        warming = info.outcome
        return after, info._replace(
            outcome=jnp.where(taken, warming, outcome),
            decision=jnp.where(taken, info.decision, int(Decision.BLOCK)),
            risk_scale=jnp.where(taken, info.risk_scale, 0.0),
            rebalance=info.rebalance & taken,
            switched=info.switched & taken,
        )

    def _judge(self, state: EngineState, bar: Bar) -> Array:
        tables = [table for table in (bar.open, bar.high, bar.low, bar.close) if table is not None]
        prices = jnp.stack(tables)
        usable = jnp.all(jnp.isfinite(prices) & (prices > 0.0))
        if bar.volume is not None:
            usable &= jnp.all(jnp.isfinite(bar.volume) & (bar.volume >= 0.0))
        outcome = jnp.where(usable, int(Outcome.OK), int(Outcome.NON_FINITE))
        return jnp.where(bar.time > state.time, outcome, int(Outcome.REFUSED))

    def _take_in(self, state: EngineState, bar: Bar) -> tuple[EngineState, EngineInfo]:
        state, settlement = advance.settle(self, state, bar)
        state, view = advance.forecast(self, state, bar, settlement)
        return advance.decide(self, state, bar, settlement, view)

    @isolated
    def allocate(self, state: EngineState) -> tuple[EngineState, Allocation]:
        """Choose weights of least worst-case expected shortfall for the market's present state.

        Scenarios are the stream's own history beside the teacher's for the likeliest family. The radius is relative to
        the loss it guards, wider in transitions and with the crossbar index:
        eps = radius_share p ES_p(equal weight) (1.5 in TRANS) (1 + 0.2 min(crossbar, 2)).
        """
        rule, climate = self.allocation, state.climate
        rows, probabilities = join(self.scenarios, state.history, climate.probabilities)
        p = rule.tail_probability
        shortfall = expected_shortfall(-jnp.mean(rows, axis=1), probabilities, tail_probability=p)
        strain = jnp.where(climate.regime == int(Regime.TRANS), 1.5, 1.0)
        strain = strain * (1.0 + 0.2 * jnp.minimum(climate.crossbar, 2.0))
        allocation = dro_es(
            rows,
            tail_probability=p,
            radius=rule.radius_share * p * jnp.maximum(shortfall, 0.0) * strain,
            lower=rule.lower,
            upper=rule.upper,
            probabilities=probabilities,
            previous=state.weights,
        )
        return state._replace(weights=allocation.weights, bars_since_rebalance=jnp.zeros((), int)), allocation

    def control(self, state: EngineState, command: Command) -> tuple[EngineState, ControlInfo]:
        """Obey or refuse an operator's command between bars."""
        kill_switch, info = self.kill_switch.control(state.kill_switch, command, drawdown=state.drawdown)
        return state._replace(kill_switch=kill_switch), info

    def needs_weights(self, state: EngineState, *, transition_started: Bool[Array, ""]) -> Bool[Array, ""]:
        """Return whether `allocate` is due."""
        rule = self.allocation
        ready = state.history.count >= rule.history_bars
        since = state.bars_since_rebalance
        early = transition_started & (since >= rule.transition_gap_bars)
        first = state.history.count == rule.history_bars
        return ready & (first | (since >= rule.rebalance_bars) | early)
