"""One document as one string, and one row of a corpus file as a document.

The field's corpora hold `id` and `contents`, where `contents` is the title in double quotes, a
newline, and the text (Search-R1's published wiki-18). Rows with `id`, `title`, `text` are read
too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from igs_env.types import Document


def format_contents(document: Document) -> str:
    """Search-R1's `contents` of a document.

    >>> format_contents(Document(id="1", title="Alien", text="A film by Ridley Scott."))
    '"Alien"\\nA film by Ridley Scott.'
    """
    return f'"{document.title}"\n{document.text}'


def parse_contents(contents: str) -> tuple[str, str]:
    """Title and text of Search-R1's `contents`.

    The first line is the title, without its quotes. A single line is text without a title.

    >>> parse_contents('"Alien"\\nA film by Ridley Scott.')
    ('Alien', 'A film by Ridley Scott.')
    >>> parse_contents("A film by Ridley Scott.")
    ('', 'A film by Ridley Scott.')
    """
    title, newline, text = contents.partition("\n")
    if not newline:
        return "", contents
    if len(title) >= 2 and title[0] == title[-1] == '"':
        title = title[1:-1]
    return title, text


def document_from_row(row: Mapping[str, Any]) -> Document:
    """The document of a row with `id` and `contents`, or with `id`, `text` and maybe `title`.

    Whole numbers are taken as ids and written as decimal strings.

    Raises:
        ValueError: what is wrong with the row; the caller adds the place.
    """
    if "contents" in row:
        title, text = parse_contents(_text(row, "contents"))
    elif "text" in row:
        title, text = (_text(row, "title") if "title" in row else ""), _text(row, "text")
    else:
        raise ValueError(_wrong_fields(row))
    return Document(id=read_id(row), title=title, text=text)


def read_id(row: Mapping[str, Any]) -> str:
    """The row's `id` as a string.

    Raises:
        ValueError: it is missing, empty, or neither a string nor a whole number.
    """
    value = row.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if "id" not in row:
        raise ValueError(f"no field 'id'; got {_fields(row)}; give every row an id of its own")
    if not isinstance(value, str) or not value:
        raise ValueError(f"field 'id' is {value!r}; write a non-empty string or a whole number")
    return value


def _text(row: Mapping[str, Any], field: str) -> str:
    value = row[field]
    if not isinstance(value, str):
        raise ValueError(f"field {field!r} is {type(value).__name__} {value!r:.40}; needs a string")
    return value


def _wrong_fields(row: Mapping[str, Any]) -> str:
    return (
        f"no field 'contents'; got {_fields(row)}; a corpus row needs id and contents "
        "(contents = the title in double quotes, a newline, the text), or id, title and text"
    )


def _fields(row: Mapping[str, Any]) -> str:
    return ", ".join(map(str, row)) or "no fields"
