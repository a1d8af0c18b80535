import numpy as np
import pandas as pd
import pytest

from aurora_jax.core import Columns
from aurora_jax.data import DataError, load_packaged, read_table, to_frame
from tests.data.bars import DAY, FIRST_DAY, market


def write(folder, text, name="prices.csv"):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("name", ["us20", "sp500"])
def test_a_round_trip_keeps_every_bit(tmp_path, name, suffix):
    data = load_packaged(name).rows(0, 60)
    path = tmp_path / f"bars.{suffix}"
    frame = to_frame(data)
    assert str(frame["timestamp"].dt.tz) == "UTC"
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    back = read_table(path, symbol=name)
    assert back.columns == data.columns
    assert back.digest == data.digest
    assert str(path) in back.source


def test_flags_survive_a_round_trip(tmp_path):
    data = market([[1.0, 4.0], [2.0, 5.0]], imputed=np.array([[False, False], [True, False]]))
    to_frame(data).to_csv(tmp_path / "toy.csv", index=False)
    assert read_table(tmp_path / "toy.csv").digest == data.digest


def test_long_csv_by_hand(tmp_path):
    data = read_table(
        write(
            tmp_path,
            "timestamp,symbol,open,high,low,close,volume,trades\n"
            "2020-01-01T00:00:00Z,AAA,1,3,1,2,10,5\n2020-01-01T00:00:00Z,BBB,5,6,4,5.5,0,5\n"
            "2020-01-02T00:00:00Z,AAA,2,2,2,2,11,5\n2020-01-02T00:00:00Z,BBB,6,7,6,7,1,5\n",
        )
    )
    assert (data.symbol, data.assets) == ("prices", ("AAA", "BBB"))
    assert data.times.tolist() == [FIRST_DAY, FIRST_DAY + DAY]
    assert data.high.tolist() == [[3.0, 6.0], [2.0, 7.0]]
    assert data.volume.tolist() == [[10.0, 0.0], [11.0, 1.0]]
    assert not data.imputed.any()


def test_wide_csv_is_close_only(tmp_path):
    data = read_table(write(tmp_path, "timestamp,AAA,BBB\n2020-01-01,1,4\n2020-01-02,2,5\n2020-01-03,3,6\n"))
    assert data.columns == Columns(ohlc=False, volume=False)
    assert data.assets == ("AAA", "BBB")
    assert data.close.tolist() == [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]


def test_names_are_those_of_the_header_whatever_its_quotes_and_mark(tmp_path):
    """`A.1` and a comma are part of a name; a mark of the byte order and blank lines before the header are not."""
    text = '\ufeff\n"timestamp",A,A.1,"B, ""new"""\n2020-01-01,1,4,7\n2020-01-02,2,5,8\n'
    data = read_table(write(tmp_path, text))
    assert data.assets == ("A", "A.1", 'B, "new"')
    assert data.close.tolist() == [[1.0, 4.0, 7.0], [2.0, 5.0, 8.0]]


def test_a_number_may_name_an_asset_in_parquet(tmp_path):
    times = pd.date_range("2020-01-01", periods=2, tz="UTC", name="timestamp")
    pd.DataFrame({7203: [1.0, 2.0]}, index=times).to_parquet(tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet").assets == ("7203",)


def test_a_repeated_name_in_parquet_is_refused(tmp_path):
    times = pd.date_range("2020-01-01", periods=2, tz="UTC")
    pd.DataFrame({"timestamp": times, "A": [1.0, 2.0], " A": [1.0, 2.0]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"x\.parquet: columns 2 and 3 are both named 'A'"):
        read_table(tmp_path / "x.parquet")


def test_one_asset_lends_its_name(tmp_path):
    text = "timestamp,close,volume\n2020-01-01,1,9\n2020-01-02,2,8\n"
    assert (read_table(write(tmp_path, text)).symbol, read_table(write(tmp_path, text)).assets) == (
        "prices",
        ("prices",),
    )
    named = read_table(write(tmp_path, text), symbol="BTC/USDT")
    assert (named.symbol, named.assets) == ("BTC/USDT", ("BTC/USDT",))
    assert named.columns == Columns(ohlc=False, volume=True)
    wide = read_table(write(tmp_path, "timestamp,ETH\n2020-01-01,1\n2020-01-02,2\n"))
    assert (wide.symbol, wide.assets) == ("ETH", ("ETH",))


@pytest.mark.parametrize(
    "first",
    ["2020-01-01", "2020-01-01T00:00:00Z", "2020-01-01 02:00:00+02:00", "2019-12-31T19:00:00-05:00", str(FIRST_DAY)],
)
def test_every_time_zone_becomes_utc(tmp_path, first):
    second = str(FIRST_DAY + DAY) if first.isdigit() else "2020-01-02T00:00:00Z"
    data = read_table(write(tmp_path, f"timestamp,close\n{first},1\n{second},2\n"))
    assert data.times.tolist() == [FIRST_DAY, FIRST_DAY + DAY]


def test_parquet_with_zoned_datetimes_in_its_index(tmp_path):
    index = pd.date_range("2020-01-01", periods=3, freq="D", tz="America/New_York", name="timestamp")
    pd.DataFrame({"close": [1.0, 2.0, 3.0]}, index=index).to_parquet(tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet").times.tolist() == [FIRST_DAY + 5 * 3600 + DAY * i for i in range(3)]


def test_bars_that_one_asset_lacks_are_filled_only_on_request(tmp_path):
    path = write(
        tmp_path,
        "timestamp,symbol,open,high,low,close,volume\n2020-01-01,A,1,2,1,2,9\n2020-01-02,A,2,3,2,3,9\n"
        "2020-01-03,A,3,4,3,4,9\n2020-01-01,B,7,8,6,7.5,9\n2020-01-03,B,7,8,6,7,9\n",
    )
    with pytest.raises(DataError, match=r"B has no bar at 2020-01-02, 1 missing in a row and maximum_gap_bars is 0"):
        read_table(path)
    data = read_table(path, maximum_gap_bars=1)
    assert [table[1, 1] for table in (data.open, data.high, data.low, data.close)] == [7.5] * 4
    assert data.volume[1].tolist() == [9.0, 0.0]
    assert data.imputed.tolist() == [[False, False], [False, True], [False, False]]
    late = "timestamp,symbol,close\n2020-01-01,A,1\n2020-01-02,A,2\n2020-01-02,B,7\n"
    with pytest.raises(DataError, match="B has no bar at 2020-01-01, when the data starts; drop the asset"):
        read_table(write(tmp_path, late), maximum_gap_bars=9)


HEADER = "timestamp,open,high,low,close,volume\n"
GOOD = "2020-01-01,2,3,1,2,10\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            HEADER + GOOD + "2020-01-02,2,3,1,,10\n",
            r"row 2 \(2020-01-02, prices\): close nan is not a finite number; re",
        ),
        (HEADER + GOOD + "2020-01-02,2,inf,1,2,10\n", "row 2 .*: high inf is not a finite number; repair or remove"),
        (
            HEADER + GOOD + "2020-01-02,2,3,1,-2.5,10\n",
            "row 2 .*: close -2.5 is not a positive price; repair or remove",
        ),
        (HEADER + GOOD + "2020-01-02,2,3,0,2,10\n", "row 2 .*: low 0 is not a positive price"),
        (HEADER + GOOD + "2020-01-02,2,3,1,2,-10\n", "row 2 .*: volume -10 is negative"),
        (HEADER + GOOD + "2020-01-02,2,3,1,two,10\n", "row 2: close 'two' is not a number; repair or remove the row"),
        (HEADER + GOOD + GOOD, r"row 2 .*: timestamp 2020-01-01 is duplicated; keep one row"),
        (HEADER + GOOD + "2019-12-31,2,3,1,2,10\n", "row 2 .*: timestamp 2019-12-31 is earlier than .*; sort the rows"),
        (
            HEADER + GOOD + "2020-01-02,2,1.9,1,2,10\n",
            "row 2 .*: high 1.9 is below open, low or close; repair or remove",
        ),
        (
            HEADER + GOOD + "2020-01-02,2,3,2.1,2,10\n",
            "row 2 .*: low 2.1 is above open, high or close; repair or remove",
        ),
        (HEADER + GOOD + "soon,2,3,1,2,10\n", "row 2: timestamp soon is not a time; write ISO 8601"),
        (HEADER + GOOD + ",2,3,1,2,10\n", "row 2: timestamp .* is not a time"),
        (HEADER + GOOD + "2020-01-02T00:00:00.5,2,3,1,2,10\n", "row 2: timestamp .*00.5 has a fraction of a second"),
        ("timestamp,close\n1577836800000,1\n", "row 1: timestamp 1577836800000 .* convert milliseconds to seconds"),
        ("timestamp,close\n1577836800.5,1\n", "row 1: timestamp 1577836800.5 is not a time"),
        (HEADER + GOOD, "1 bars and at least 2 are needed; give a longer history"),
        (HEADER, "holds no row"),
        ("date,close\n2020-01-01,1\n", "column timestamp is missing, found date, close; rename"),
        ("Timestamp,close\n2020-01-01,1\n", "rename column 'Timestamp' to 'timestamp'"),
        ("timestamp,Open,High,Low,Close\n2020-01-01,1,1,1,1\n", "rename column 'Open' to 'open'"),
        ("timestamp,open,high,low\n2020-01-01,1,1,1\n", "column close is missing, found timestamp, open"),
        ("timestamp\n2020-01-01\n", "column close is missing"),
        ("timestamp,high,low,close\n2020-01-01,1,1,1\n", "column open is missing.*; give open, high and low, or none"),
        ("timestamp,symbol,close\n2020-01-01,A,1\n2020-01-02,,1\n", "row 2: symbol is empty"),
        ("timestamp,close,imputed\n2020-01-01,1,maybe\n", "column imputed holds .*; write true or false"),
        ("timestamp,AAA,BBB\n2020-01-01,1,2\n2020-01-02,1,\n", r"row 2 \(2020-01-02, BBB\): close nan is not a finite"),
        (
            "timestamp,AAA,BBB\n2020-01-01,1,2\n2020-01-02,-1,2\n",
            r"row 2 \(2020-01-02, AAA\): close -1 is not a positive",
        ),
        (",timestamp,A\n1,2020-01-01,1\n", r"column 1 has no name; name it, or leave it out .*R: row\.names=FALSE"),
        ('"","timestamp","A"\n"1","2020-01-01",1\n', "column 1 has no name"),
        (",timestamp,close\n1,2020-01-01,1\n", "column 1 has no name"),
        ("\ufeff,timestamp,A\n1,2020-01-01,1\n", "column 1 has no name"),
        ("timestamp,A,B,\n2020-01-01,1,2,\n", "column 4 has no name"),
        ("\n  \ntimestamp, ,A\n2020-01-01,1,2\n", "column 2 has no name"),
        ("Unnamed: 0,timestamp,A\n1,2020-01-01,1\n", "column 1 is named 'Unnamed: 0'; name it, or leave it out"),
        ("timestamp,A,A\n2020-01-01,1,2\n", "columns 2 and 3 are both named 'A'; keep or rename one"),
        ('timestamp,A,B," A"\n2020-01-01,1,2,3\n', "columns 2 and 4 are both named 'A'"),
        ("timestamp,close,close\n2020-01-01,1,2\n", "columns 2 and 3 are both named 'close'"),
        ("timestamp,timestamp,A\n2020-01-01,2020-01-01,2\n", "columns 1 and 2 are both named 'timestamp'"),
        ("timestamp,A,B\n2020-01-01,1,2,\n2020-01-02,1,2,\n", "rows do not fit the 3 names of the header; give each"),
        ("timestamp,A\n1,2020-01-01,2\n2,2020-01-02,2\n", "rows do not fit the 2 names of the header"),
        ("timestamp,A,B\n2020-01-01,1,2\n2020-01-02,1,2,3\n", r"cannot be read as csv \(.*Expected 3 fields in line 3"),
        ("", r"cannot be read as csv \(No columns to parse from file\); check that it is one"),
        ('timestamp,close\n"2020-01-01,1\n', "cannot be read as csv"),
    ],
)
def test_bad_input_is_one_line_with_row_value_and_remedy(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=message) as caught:
        read_table(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


def test_the_second_asset_of_a_basket_is_checked_on_its_own_rows(tmp_path):
    # sorted for A and for B, though not as a whole: accepted; then B goes back in time: refused
    rows = "timestamp,symbol,close\n2020-01-01,A,1\n2020-01-02,A,2\n2020-01-01,B,3\n2020-01-02,B,4\n"
    assert read_table(write(tmp_path, rows)).close.tolist() == [[1.0, 3.0], [2.0, 4.0]]
    with pytest.raises(DataError, match=r"row 5 \(2020-01-01, B\): timestamp 2020-01-01 is duplicated"):
        read_table(write(tmp_path, rows + "2020-01-01,B,4\n"))


def test_files_that_are_no_tables(tmp_path):
    cases = {
        "absent.csv": "absent.csv: no such file; check the path",
        "noise.parquet": r"noise.parquet: cannot be read as parquet \(.*\); check that it is one",
        "noise.csv": r"noise.csv: cannot be read as csv \(.*\); check that it is one",
        "bars.xlsx": "bars.xlsx: cannot read .xlsx; give a .csv or .parquet file",
        "folder.csv": r"folder.csv: cannot be read as csv \(.*\)",
    }
    for name in ("noise.parquet", "noise.csv", "bars.xlsx"):
        (tmp_path / name).write_bytes(bytes(range(256)) * 4)
    (tmp_path / "folder.csv").mkdir()
    for name, message in cases.items():
        with pytest.raises(DataError, match=message) as caught:
            read_table(tmp_path / name)
        assert "\n" not in str(caught.value)
