"""One SQLite file: what it holds, and that each batch is in it as a whole or not at all.

A batch survives the end of this process as soon as it is answered. A power failure can take the
last batches before it, never half of one (write-ahead log, synchronised at its checkpoints).
"""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from exporters.base.receipts import NotWritable

_LOG = logging.getLogger(__name__)

FILE = "labels.sqlite"
FORMAT = 1
_CACHE_KIB = 16 << 10
"""Ids come in no order: with less of their index in memory each is read from disk."""

_SCHEMA = """
CREATE TABLE subjects(
  number INTEGER PRIMARY KEY, model TEXT, environment TEXT, newest REAL,
  UNIQUE (model, environment));
-- `number` rises as predictions come: the first are forgotten first. `id` is a hash.
CREATE TABLE predictions(
  number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL, subject INTEGER NOT NULL,
  at REAL NOT NULL, predicted TEXT NOT NULL, label TEXT, shown_predicted TEXT, shown_label TEXT);
CREATE UNIQUE INDEX by_id ON predictions(id, subject);
-- Days since 1970.
CREATE TABLE days(
  subject INTEGER, day INTEGER, predictions INTEGER NOT NULL DEFAULT 0,
  expected REAL NOT NULL DEFAULT 0, scored INTEGER NOT NULL DEFAULT 0,
  label_expected REAL NOT NULL DEFAULT 0, label_scored INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (subject, day)) WITHOUT ROWID;
CREATE TABLE confusion(
  subject INTEGER, day INTEGER, predicted TEXT, label TEXT, verdict TEXT, labels INTEGER,
  PRIMARY KEY (subject, day, predicted, label, verdict)) WITHOUT ROWID;
CREATE TABLE counters(
  subject INTEGER, name TEXT, part TEXT, counted REAL,
  PRIMARY KEY (subject, name, part)) WITHOUT ROWID;
"""


class Database:
    """The file in a folder, of which this process is the only user.

    What cannot be opened or written is no error: batches are refused until it can.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self.trouble = ""

    @contextmanager
    def batch(self) -> Iterator[sqlite3.Connection]:
        """A transaction: kept when it ends well, forgotten when anything is raised in it.

        Raises:
            NotWritable: it could not be kept on disk.
        """
        with self._lock:
            try:
                connection = self._connection = self._connection or self._opened()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
            except (sqlite3.Error, OSError) as problem:
                self._fail(problem)
                raise NotWritable(self.trouble) from problem
            self.trouble = ""

    def close(self) -> None:
        """Everything in one file, and the file free for others."""
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = None

    @property
    def bytes(self) -> int:
        """Size of the file and its log."""
        files = (self._path, self._path.with_name(f"{FILE}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def _opened(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path, timeout=1, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            with closing(connection.execute("PRAGMA user_version")) as found:
                (version,) = found.fetchone()
            if not version:
                connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT")
            elif version != FORMAT:
                raise sqlite3.DatabaseError(
                    "it was written by another version of modelwatch; go back to that one, or "
                    "move the file away"
                )
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _fail(self, problem: sqlite3.Error | OSError) -> None:
        words = problem.strerror if isinstance(problem, OSError) else None
        trouble = f"labels cannot be kept in {FILE}: {words or problem}"
        if trouble != self.trouble:
            _LOG.error("%s", trouble)
        self.trouble = trouble
        if self._connection:
            self._connection.close()
        self._connection = None
