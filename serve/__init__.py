"""Ray shell of the service: unpack, call, pack."""
