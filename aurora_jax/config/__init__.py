"""Frozen, strict configuration records, loaded from YAML and labelled by their digest."""

from .engine import EngineConfig as EngineConfig
from .errors import ConfigError as ConfigError
from .frozen import Frozen as Frozen
from .frozen import load_config as load_config
from .frozen import parse_config as parse_config
from .governance import GovernanceConfig as GovernanceConfig
from .quickstart import QuickstartConfig as QuickstartConfig
from .router import RouterConfig as RouterConfig
from .seb_plus import SebPlusConfig as SebPlusConfig
from .student import StudentConfig as StudentConfig
from .teacher import ABLATIONS as ABLATIONS
from .teacher import TeacherConfig as TeacherConfig
