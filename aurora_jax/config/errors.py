"""What is wrong with a configuration, in one line."""


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the place, the value and the remedy."""
