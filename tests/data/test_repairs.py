"""What is mended in a table on request, and told."""

import pytest

from aurora_jax.data import DataError, Repairs, read_table
from tests.data.bars import DAY, FIRST_DAY


def write(folder, text):
    path = folder / "prices.csv"
    path.write_text(text)
    return path


REPEATED = (
    "timestamp,symbol,close\n2020-01-01,A,1\n2020-01-02,A,2\n2020-01-02,A,3\n2020-01-02,B,7\n"
    "2020-01-03,A,4\n2020-01-03,B,8\n"
)


def test_duplicates_and_late_starts_are_mended_on_request_and_told(tmp_path):
    path = write(tmp_path, REPEATED)
    with pytest.raises(DataError, match=r"row 3 \(2020-01-02, A\): timestamp 2020-01-02 is duplicated"):
        read_table(path)
    with pytest.raises(DataError, match="B has no bar at 2020-01-01"):
        read_table(path, repairs=Repairs(duplicates="keep_last"))
    data = read_table(path, repairs=Repairs(duplicates="keep_last", starts="latest"))
    assert data.close.tolist() == [[3.0, 7.0], [4.0, 8.0]]
    assert data.source.endswith("1 duplicated rows dropped; 1 rows before 2020-01-02T00:00:00 dropped")
    assert read_table(path, repairs=Repairs("keep_last", "latest"), maximum_gap_bars=3).times[0] == FIRST_DAY + DAY


def test_in_a_wide_table_an_asset_that_has_not_begun_is_an_empty_cell(tmp_path):
    path = write(tmp_path, "timestamp,A,B\n2020-01-01,1,\n2020-01-02,2,7\n2020-01-03,3,8\n")
    with pytest.raises(DataError, match=r"row 1 \(2020-01-01, B\): close nan is not a finite number"):
        read_table(path)
    assert read_table(path, repairs=Repairs(starts="latest")).close.tolist() == [[2.0, 7.0], [3.0, 8.0]]
    # A hole later on is not a late start.
    path = write(tmp_path, "timestamp,A,B\n2020-01-01,1,\n2020-01-02,2,7\n2020-01-03,3,\n")
    with pytest.raises(DataError, match=r"row 3 \(2020-01-03, B\): close nan"):
        read_table(path, repairs=Repairs(starts="latest"))


def test_a_table_without_faults_is_told_as_it_is(tmp_path):
    path = write(tmp_path, "timestamp,A,B\n2020-01-01,1,6\n2020-01-02,2,7\n")
    assert read_table(path, repairs=Repairs("keep_last", "latest")).source == str(path)
