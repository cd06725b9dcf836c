"""Search results on disk, shared by any number of processes."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from igs_env.errors import ConfigurationError
from igs_env.types import Document

Documents = tuple[Document, ...]


class ResultStore:
    """Key → documents in an SQLite file.

    Any number of processes may read and write at once; whoever comes second with a key writes
    the same. A process that is killed loses what it was writing, never the file.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file; `ConfigurationError` where that cannot be done."""
        self._path = path
        self._lock = Lock()
        self._opened: tuple[int, sqlite3.Connection] | None = None
        with self._transaction() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, documents TEXT)"
            )

    def __getstate__(self) -> Path:
        """What another process needs to open the file itself."""
        return self._path

    def __setstate__(self, path: Path) -> None:
        """The reverse of `__getstate__`."""
        self.__init__(path)  # type: ignore[misc]

    def get(self, keys: Iterable[str]) -> dict[str, Documents]:
        """Those of `keys` that are known."""
        query = "SELECT key, documents FROM results WHERE key = ?"
        with self._transaction() as connection:
            rows = [row for key in keys for row in connection.execute(query, (key,))]
        return {key: _loads(text) for key, text in rows}

    def put(self, results: Mapping[str, Documents]) -> None:
        """Keep results, all of them or none."""
        rows = [(key, _dumps(documents)) for key, documents in results.items()]
        with self._transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO results VALUES (?, ?)", rows)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock, self._connection() as connection:
                yield connection
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"cache {self._path} cannot be used ({error}); delete it if it is damaged, free "
                "some space, or give another path="
            ) from error

    def _connection(self) -> sqlite3.Connection:
        # SQLite forbids taking a connection through a fork.
        if self._opened is None or self._opened[0] != os.getpid():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=60.0, check_same_thread=False)
            connection.execute("PRAGMA synchronous = NORMAL")
            self._opened = (os.getpid(), connection)
        return self._opened[1]


def _dumps(documents: Documents) -> str:
    return json.dumps([[d.id, d.title, d.text, d.score] for d in documents])


def _loads(text: str) -> Documents:
    return tuple(
        Document(id=id, title=title, text=body, score=score)
        for id, title, body, score in json.loads(text)
    )
