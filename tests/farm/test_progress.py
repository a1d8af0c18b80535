from aurora_jax.farm import Receipt, advance_progress, start_progress


def receipt(spec):
    return Receipt(spec.cell.name, spec.shard, spec.paths, spec.path_steps, 0, 0.0, 0.0)


def test_a_run_by_hand(specs):
    """Three chunks of 1,280 path-steps, the first found whole; then one in 2 s and one in 4 s more."""
    state = start_progress(specs, specs[1:])
    assert (state.cells, state.cells_done, state.paths, state.paths_done) == (2, 0, 15, 5)
    assert (state.path_steps, state.path_steps_done) == (3840, 1280)
    assert (state.rate, state.remaining_s) == (None, None)

    state = advance_progress(state, receipt(specs[1]), elapsed_s=2.0)
    assert (state.cells_done, state.paths_done) == (1, 10)
    assert state.rate == 640.0  # what was found whole took no time and counts for none
    assert state.remaining_s == 2.0

    state = advance_progress(state, receipt(specs[2]), elapsed_s=6.0)
    assert (state.cells_done, state.paths_done, state.remaining_s) == (2, 15, 0.0)
    assert state.rate == 2560 / 6


def test_a_complete_data_set_has_nothing_to_go(specs):
    state = start_progress(specs, [])
    assert (state.cells_done, state.remaining_s, state.rate) == (2, 0.0, None)
