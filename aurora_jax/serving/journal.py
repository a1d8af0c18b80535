"""The journal: every bar taken in and every decision given, in an SQLite file that shows any change to it."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..observability import GENESIS, canonical_bytes, link

_TABLES = """
CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, payload TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS head (
    one INTEGER PRIMARY KEY CHECK (one = 1), entries INTEGER NOT NULL, hash TEXT NOT NULL, epoch INTEGER NOT NULL
) STRICT;
"""
_REMEDY = "restore it from a backup, or move it away to start again from the artifact's state without these decisions."


class JournalError(RuntimeError):
    """A journal that cannot be used; the message names the file and the remedy."""


class JournalFenced(JournalError):
    """Another service has taken over this journal; this one must not answer any more."""


class Head(NamedTuple):
    """Where the journal stands: its length, the hash of its last entry, and the epoch of its only writer."""

    entries: int
    hash: str
    epoch: int


class Journal:
    """The one writer of a journal; a later one with a higher epoch fences it off.

    An entry is on the disk when `append` returns (write-ahead log, synchronous FULL). To be used by one thread.
    """

    def __init__(self, path: Path):
        """Open or create the journal and check it from end to end.

        Raises:
            JournalError: if it is damaged or altered, or cannot be written.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=5.0)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_TABLES)
            head = verify_entries(path, self._connection)
            self._head = head._replace(epoch=head.epoch + 1)
            with _transaction(self._connection):
                self._write_head(self._head)
        except (OSError, sqlite3.Error) as error:
            raise JournalError(f"{path}: the journal cannot be used ({error}); {_REMEDY}") from None

    @property
    def head(self) -> Head:
        """Return where the journal stands."""
        return self._head

    def entries(self) -> Iterator[dict]:
        """Yield the payloads, oldest first."""
        for (payload,) in self._connection.execute("SELECT payload FROM entry ORDER BY id"):
            yield json.loads(payload)

    def append(self, payload: dict) -> Head:
        """Write one entry in one transaction; whatever fails, either all of it is there or nothing.

        Raises:
            JournalError: if it could not be written, or another writer has taken over.
        """
        entry_hash = link(self._head.hash, payload)
        head = Head(self._head.entries + 1, entry_hash, self._head.epoch)
        try:
            with _transaction(self._connection):
                epoch = self._connection.execute("SELECT epoch FROM head").fetchone()[0]
                if epoch != head.epoch:
                    raise JournalFenced(
                        f"{self.path}: another service (epoch {epoch}) has taken over from this one "
                        f"(epoch {head.epoch}); stop one of them."
                    )
                row = (head.entries, canonical_bytes(payload).decode(), entry_hash)
                self._connection.execute("INSERT INTO entry VALUES (?, ?, ?)", row)
                self._write_head(head)
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: the decision could not be journalled ({error}).") from None
        self._head = head
        return head

    def close(self) -> None:
        """Close the file; everything acknowledged is already on the disk."""
        self._connection.close()

    def _write_head(self, head: Head) -> None:
        self._connection.execute("INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?)", head)


def verify_journal(path: Path) -> Head | None:
    """Check a journal from end to end without changing it; None if there is none.

    Raises:
        JournalError: if it is damaged or altered; names the entry and the remedy.
    """
    if not path.exists():
        return None
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return verify_entries(path, connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise JournalError(f"{path}: the journal cannot be read ({error}); {_REMEDY}") from None


def verify_entries(path: Path, connection: sqlite3.Connection) -> Head:
    """Check that the entries follow from one another and end where the head says."""
    row = connection.execute("SELECT entries, hash, epoch FROM head").fetchone()
    head, previous, count = Head(*row) if row else Head(0, GENESIS, 0), GENESIS, 0
    for count, (number, payload, entry_hash) in enumerate(
        connection.execute("SELECT id, payload, hash FROM entry ORDER BY id"), start=1
    ):
        if number != count or not _follows(previous, payload, entry_hash):
            raise JournalError(f"{path}: entry {count} or one before it was altered or lost; {_REMEDY}")
        previous = entry_hash
    if (count, previous) != (head.entries, head.hash):
        raise JournalError(f"{path}: ends at entry {count}, its head says {head.entries}; {_REMEDY}")
    return head


def _follows(previous: str, payload: str, entry_hash: str) -> bool:
    try:
        return link(previous, json.loads(payload)) == entry_hash
    except ValueError:
        return False


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in one transaction that no other writer can interleave; undo it on any error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After some failures, a full disk among them, SQLite has rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
