"""Commands to the governed engine: what an operator may ask of it."""

import enum
from typing import NamedTuple

from jaxtyping import Array, Bool, Int


class CommandKind(enum.IntEnum):
    """What is asked; a code that is not here is refused and recorded."""

    NONE = 0
    KILL = 1
    RELEASE = 2


class Command(NamedTuple):
    """One command, as journalled.

    Attributes:
        kind: `CommandKind` code.
        authorised: the shell has checked that the sender may release; a kill is obeyed from anyone who reaches us.
    """

    kind: int | Int[Array, ""] = CommandKind.NONE
    authorised: bool | Bool[Array, ""] = False


NO_COMMAND = Command()
"""Nothing asked."""
