"""The farm: SEB+ cut into chunks, made, reduced and resumed, without knowing what runs them."""

from .chunk import Receipt as Receipt
from .chunk import run_chunk as run_chunk
from .dataset import finish as finish
from .estimate import Size as Size
from .estimate import size_of as size_of
from .plan import MEASURED_AT as MEASURED_AT
from .plan import ChunkSpec as ChunkSpec
from .plan import cells_of as cells_of
from .plan import config_digest as config_digest
from .plan import digest_of as digest_of
from .plan import plan as plan
from .progress import Progress as Progress
from .progress import advance_progress as advance_progress
from .progress import start_progress as start_progress
from .reduction import Moments as Moments
from .reduction import moments as moments
from .reduction import pooled as pooled
from .schedule import Schedule as Schedule
from .simulate import simulate_chunk as simulate_chunk
from .store import FarmError as FarmError
from .store import exclusive as exclusive
from .store import inspect as inspect
from .store import refuse_strangers as refuse_strangers
from .store import sweep as sweep
from .store import write_atomically as write_atomically
