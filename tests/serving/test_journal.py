import json
import sqlite3

import pytest

from aurora_jax.observability import GENESIS, link
from aurora_jax.serving import Head, Journal, JournalError, JournalFenced, verify_journal

ENTRIES = [{"kind": "open", "epoch": 1}, {"kind": "bar", "x": 1 / 3}, {"kind": "bar", "x": 2.0}]


@pytest.fixture
def path(tmp_path):
    """Return the file of a closed journal of three entries."""
    path = tmp_path / "deep" / "journal.sqlite"
    journal = Journal(path)
    for entry in ENTRIES:
        journal.append(entry)
    journal.close()
    return path


def altered(path, statement):
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_entries_come_back_in_order_and_exact(path):
    journal = Journal(path)
    assert list(journal.entries()) == ENTRIES
    assert journal.head.entries == 3
    journal.close()


def test_the_head_is_the_chain_worked_by_hand(path):
    expected = link(link(link(GENESIS, ENTRIES[0]), ENTRIES[1]), ENTRIES[2])
    assert verify_journal(path) == Head(3, expected, 1)


def test_it_survives_a_crash_after_every_append(tmp_path):
    """Nothing is closed: what `append` returned is on the disk for whoever opens the file next."""
    journal = Journal(tmp_path / "j")
    for count, entry in enumerate(ENTRIES, start=1):
        journal.append(entry)
        assert verify_journal(tmp_path / "j").entries == count


def test_durability_is_asked_of_sqlite(path):
    journal = Journal(path)
    assert journal._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert journal._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    journal.close()


def test_there_may_be_no_journal_yet(tmp_path):
    assert verify_journal(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE entry SET payload = replace(payload, '2.0', '2.5') WHERE id = 3", "entry 3 or one before it was"),
        ("UPDATE entry SET payload = 'no JSON' WHERE id = 2", "entry 2 or one before it was altered or lost"),
        ("DELETE FROM entry WHERE id = 2", "entry 2 or one before it was altered or lost"),
        ("DELETE FROM entry WHERE id = 3", "ends at entry 2, its head says 3"),
        ("UPDATE head SET entries = 2", "ends at entry 3, its head says 2"),
        (f"UPDATE head SET hash = '{GENESIS}'", "ends at entry 3, its head says 3"),
        ("DELETE FROM head", "ends at entry 3, its head says 0"),
    ],
)
def test_any_change_is_seen_and_refused(path, statement, message):
    altered(path, statement)
    for opened in (verify_journal, Journal):
        with pytest.raises(JournalError, match=message) as caught:
            opened(path)
        assert str(path) in str(caught.value)


def test_swapped_entries_are_seen(path):
    altered(path, "UPDATE entry SET id = 9 WHERE id = 2")
    altered(path, "UPDATE entry SET id = 2 WHERE id = 3")
    altered(path, "UPDATE entry SET id = 3 WHERE id = 9")
    with pytest.raises(JournalError, match="entry 2 or one before it"):
        verify_journal(path)


def test_a_damaged_file_is_refused_in_one_line(path):
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 40)
    for opened in (verify_journal, Journal):
        with pytest.raises(JournalError, match="restore it from a backup, or move it away") as caught:
            opened(path)
        assert "\n" not in str(caught.value)


def test_a_later_writer_fences_off_the_earlier_one(path):
    early, late = Journal(path), Journal(path)
    assert late.head.epoch == early.head.epoch + 1
    with pytest.raises(JournalFenced, match=r"another service \(epoch 3\) has taken over from this one \(epoch 2\)"):
        early.append({"x": 1})
    assert late.append({"x": 1}).entries == 4
    assert verify_journal(path).entries == 4


def test_what_cannot_be_written_leaves_no_trace_and_can_be_written_later(path):
    journal = Journal(path)
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")  # what a full disk does
    with pytest.raises(JournalError, match="could not be journalled"):
        journal.append({"large": "x" * 100_000})
    assert journal.head.entries == 3
    journal._connection.execute("PRAGMA max_page_count = 1000000")
    assert journal.append({"large": "x" * 100_000}).entries == 4
    journal.close()
    assert verify_journal(path).entries == 4


def test_payloads_are_plain_json_that_anyone_can_read(path):
    (text,) = sqlite3.connect(path).execute("SELECT payload FROM entry WHERE id = 2").fetchone()
    assert json.loads(text) == ENTRIES[1]
