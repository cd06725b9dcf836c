"""One row of a questions file as a question, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from igs_env.datasets.contents import read_id
from igs_env.types import Question

Row = Mapping[str, Any]


def question_from_row(row: Row) -> Question:
    """The question of a row with FlashRAG's fields.

    `golden_answers` must be a list: a bare string is refused, because several published sets
    keep a whole list in one string, which would silently become a wrong answer.
    `metadata.supporting_documents` gives `gold_documents`: each id is a hop of its own, in order;
    a list in its place holds the ids that serve for one hop. With a `data_source`
    (Search-R1's merged sets, whose ids repeat between sources) the id is `data_source/id`.

    Raises:
        ValueError: what is wrong with the row; the caller adds the place.

    >>> row = {"id": 7, "question": "Who directed Alien?", "golden_answers": ["Ridley Scott"]}
    >>> question_from_row(row).id
    '7'
    """
    metadata = _metadata(row)
    gold = _gold_documents(metadata)
    source = row.get("data_source")
    return Question(
        id=f"{source}/{read_id(row)}" if source else read_id(row),
        text=_question(row),
        answers=_answers(row),
        gold_documents=gold,
        hops=_hops(metadata, gold),
        kind=str(metadata.get("kind") or metadata.get("type") or ""),
        split=str(row.get("split") or metadata.get("split") or ""),
        metadata=metadata,
    )


def question_to_row(question: Question) -> dict[str, Any]:
    """The row that `question_from_row` reads back as an equal question.

    >>> question = Question(id="q", text="Who?", answers=("Ann",), hops=1, split="dev")
    >>> question_from_row(question_to_row(question)).split
    'dev'
    """
    known = {"kind": question.kind, "split": question.split, "hops": question.hops}
    gold = [ids[0] if len(ids) == 1 else list(ids) for ids in question.gold_documents]
    metadata = {**question.metadata, **{key: value for key, value in known.items() if value}}
    if gold:
        metadata["supporting_documents"] = gold
    return {
        "id": question.id,
        "question": question.text,
        "golden_answers": list(question.answers),
        "metadata": metadata,
    }


def _question(row: Row) -> str:
    text = _field(row, "question")
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"field 'question' is {text!r:.60}; needs a non-empty string")
    return text


def _answers(row: Row) -> tuple[str, ...]:
    answers = _field(row, "golden_answers")
    if isinstance(answers, str):
        raise ValueError(
            f"field 'golden_answers' is the string {answers!r:.60}; needs a list of strings: "
            f"write [{answers!r:.60}], or the list that the string holds"
        )
    if not isinstance(answers, list) or not answers:
        raise ValueError(f"field 'golden_answers' is {answers!r:.60}; needs a non-empty list")
    for index, answer in enumerate(answers):
        if not isinstance(answer, str) or not answer.strip():
            raise ValueError(
                f"field 'golden_answers[{index}]' is {answer!r:.60}; needs a non-empty string"
            )
    return tuple(answers)


def _field(row: Row, field: str) -> object:
    if field not in row:
        got = ", ".join(map(str, row)) or "no fields"
        raise ValueError(
            f"no field {field!r}; got {got}; a question row needs id, question, golden_answers "
            "(a list of strings) and may have metadata: rename the fields"
        )
    return row[field]


def _metadata(row: Row) -> dict[str, Any]:
    metadata = row.get("metadata")
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise ValueError(f"field 'metadata' is {metadata!r:.60}; needs an object, or leave it out")
    return metadata


def _gold_documents(metadata: Row) -> tuple[tuple[str, ...], ...]:
    hops = metadata.get("supporting_documents")
    if hops is None:
        return ()
    if not isinstance(hops, list):
        raise ValueError(
            f"field 'metadata.supporting_documents' is {hops!r:.60}; needs a list of document ids"
        )
    return tuple(_one_hop(index, hop) for index, hop in enumerate(hops))


def _one_hop(index: int, hop: object) -> tuple[str, ...]:
    ids = hop if isinstance(hop, list) and hop else [hop]
    for value in ids:
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise ValueError(
                f"field 'metadata.supporting_documents[{index}]' is {hop!r:.60}; "
                "needs a document id, or a list of ids that serve for the same hop"
            )
    return tuple(map(str, ids))


def _hops(metadata: Row, gold: tuple[tuple[str, ...], ...]) -> int:
    stated = metadata.get("hops")
    return stated if isinstance(stated, int) and stated > 0 else len(gold)
