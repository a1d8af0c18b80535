"""Frozen, strict configuration records, loaded from YAML and labelled by their digest."""

from .frozen import ConfigError as ConfigError
from .frozen import Frozen as Frozen
from .frozen import load_config as load_config
from .frozen import parse_config as parse_config
