"""What every floor shares: records, outcomes, named key streams, numerics."""

from .keys import root_key as root_key
from .keys import stream as stream
from .market import Bar as Bar
from .market import Columns as Columns
from .market import Regime as Regime
from .numerics import enable_x64 as enable_x64
from .numerics import lenient as lenient
from .numerics import require_x64 as require_x64
from .numerics import strongly_typed as strongly_typed
from .numerics import student_t_expected_shortfall as student_t_expected_shortfall
from .numerics import student_t_quantile as student_t_quantile
from .outcome import Outcome as Outcome
from .records import Allocation as Allocation
from .records import Estimate as Estimate
from .records import Forecast as Forecast
from .records import Interval as Interval
from .records import Invariants as Invariants
from .records import TeacherBatch as TeacherBatch
from .records import TestResult as TestResult
from .records import Trajectories as Trajectories
from .shapes import Number as Number
from .shapes import PRNGKey as PRNGKey
from .sorted_window import SortedWindow as SortedWindow
from .sorted_window import push as push
from .sorted_window import sorted_window as sorted_window
from .threads import widen_thread_pool as widen_thread_pool
