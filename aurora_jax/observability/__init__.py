"""Observability: Prometheus metrics, structured logs, the hash chain."""

from .hash_chain import GENESIS as GENESIS
from .hash_chain import canonical_bytes as canonical_bytes
from .hash_chain import link as link
from .hash_chain import verify as verify
from .log import correlation as correlation
from .log import make_logger as make_logger
from .metrics import Metrics as Metrics
