"""Which port the service listens on."""

from collections.abc import Mapping

from ray import serve

PORT = "AURORA_PORT"


def port_of(environment: Mapping[str, str]) -> int | None:
    """Return the port that AURORA_PORT names; None where it is empty or not set, which leaves Ray Serve its own, 8000.

    Raises:
        ValueError: if it is no port.
    """
    text = environment.get(PORT)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**16:
        raise ValueError(f"{PORT} must be a port from 1 to 65535, was {text!r:.80}.")
    return int(text)


def listen(port: int) -> None:
    """Start Ray Serve on `port`, before `serve run`, which has no option for it, starts one on its own."""
    serve.start(http_options={"port": port}, proxy_location="EveryNode")
