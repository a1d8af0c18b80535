"""What a synthetic market must share with the real one, each estimated with its standard error."""

from .extremal_index import extremal_index as extremal_index
from .extremal_index import extremal_index_intervals as extremal_index_intervals
from .hill import tail_index as tail_index
from .hurst import hurst_exponent as hurst_exponent
from .jump_test import jump_test as jump_test
from .measure import measure as measure
from .tail_dependence import tail_dependence as tail_dependence
