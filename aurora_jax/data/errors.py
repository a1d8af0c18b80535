"""What is wrong with market data, in one line."""


class DataError(ValueError):
    """Market data that cannot be used; the message is one line: where, what was found, and the remedy."""
