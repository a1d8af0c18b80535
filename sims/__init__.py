"""Ray shells of the simulations: unpack, call, pack."""
