"""The account that a replay trades: positions, costs, equity and drawdown."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..core import Allocation, Number, Outcome

_BARS_PER_YEAR = 252.0


class AccountRule(eqx.Module):
    """What trading costs.

    Attributes:
        commission: per unit of turnover.
        half_spread: per unit of turnover.
        borrow_per_year: on short positions.
    """

    commission: Number = 1e-4
    half_spread: Number = 2e-4
    borrow_per_year: Number = 0.005


class Account(NamedTuple):
    """Positions as shares of equity, equity, its peak, and the latest allocation."""

    positions: Float[Array, " assets"]
    equity: Float[Array, ""]
    peak: Float[Array, ""]
    allocation: Allocation

    @property
    def drawdown(self) -> Float[Array, ""]:
        """Return 1 - equity / peak."""
        return 1.0 - self.equity / self.peak

    @staticmethod
    def start(assets: int) -> "Account":
        """Return an account of value 1 without positions."""
        one, zero = jnp.ones(()), jnp.zeros(())
        none = Allocation(jnp.full(assets, 1.0 / assets), zero, zero, zero, zero, jnp.asarray(int(Outcome.WARMING_UP)))
        return Account(jnp.zeros(assets), one, one, none)


def settle_account(
    rule: AccountRule, account: Account, returns: Float[Array, " assets"], *, positions: Float[Array, " assets"]
) -> tuple[Account, Float[Array, ""], Float[Array, ""]]:
    """Earn the bar's returns on the positions held through it, then trade to the new positions and pay for it.

    Args:
        rule: costs.
        account: positions held over the bar.
        returns: simple returns of the assets over the bar.
        positions: shares of equity to hold from now on.

    Returns:
        The account, the bar's return after costs, and the turnover.
    """
    gross = jnp.dot(account.positions, returns)
    # Positions drift with prices before they are traded; turnover is measured against where they drifted to.
    drifted = account.positions * (1.0 + returns) / (1.0 + gross)
    turnover = jnp.sum(jnp.abs(positions - drifted))
    borrow = rule.borrow_per_year / _BARS_PER_YEAR * jnp.sum(jnp.maximum(-account.positions, 0.0))
    earned = gross - borrow - turnover * (rule.commission + rule.half_spread)
    equity = account.equity * (1.0 + earned)
    return Account(positions, equity, jnp.maximum(account.peak, equity), account.allocation), earned, turnover
