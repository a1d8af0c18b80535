"""Replay: history through the engine's own step, the account it trades, and the summary of both."""

from .account import Account as Account
from .account import AccountRule as AccountRule
from .account import settle_account as settle_account
from .replay import Replay as Replay
from .replay import ReplayRow as ReplayRow
from .replay import replay as replay
from .summary import summarise as summarise
