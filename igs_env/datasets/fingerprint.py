"""A corpus' identity: what a saved index is checked against."""

from __future__ import annotations

import hashlib

from igs_env.types import Document


class Fingerprint:
    """SHA-256 over ids, titles and texts, in order.

    The same documents have the same fingerprint, whether they are held in memory or mapped from
    disk, and whatever file they came from.

    >>> one = Fingerprint()
    >>> one.add(Document(id="1", title="a", text="bc"))
    >>> two = Fingerprint()
    >>> two.add(Document(id="1", title="ab", text="c"))
    >>> one.hexdigest() == two.hexdigest()
    False
    """

    def __init__(self) -> None:
        """Start with no documents."""
        self._hash = hashlib.sha256()

    def add(self, document: Document) -> None:
        """Take the next document into account."""
        for field in (document.id, document.title, document.text):
            data = field.encode()
            # The length in front keeps "ab" + "c" apart from "a" + "bc".
            self._hash.update(len(data).to_bytes(8, "little"))
            self._hash.update(data)

    def hexdigest(self) -> str:
        """64 hexadecimal digits."""
        return self._hash.hexdigest()
