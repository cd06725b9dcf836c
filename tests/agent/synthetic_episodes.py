"""Made-up rows as a run writes them. `python tests/agent/synthetic_episodes.py FOLDER 20000`."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from igs_agent.tracking.jsonl import json_line

GROUP, UPDATE = 8, 64


def step(**changes: Any) -> dict[str, Any]:
    """A search without a gain."""
    return {
        "action": "search",
        "text": "maker of the bridge",
        "output": "<search> maker of the bridge </search>",
        "observation": "\n<information>\nBridge: made by Ann.\n</information>\n",
        "documents": ["d1"],
        "searched": True,
        "retrieval_failed": False,
        "gain": None,
        "credit": 0.0,
        "query_credit": 0.0,
        **changes,
    }


def measured(gain: float, stderr: float = 0.1, **changes: Any) -> dict[str, Any]:
    """A search with a gain: −2 given the documents found."""
    return step(
        gain=gain,
        gain_stderr=stderr,
        log_prob_real=-2.0,
        log_probs_counterfactual=[-2.0 - gain] * 3,
        counterfactual_ids=[["d7"], ["d8"], ["d9"]],
        counterfactual_source="other_questions",
        answer_in_counterfactual=False,
        **changes,
    )


def answer(text: str, **changes: Any) -> dict[str, Any]:
    said = f"<answer> {text} </answer>"
    empty = {"documents": [], "searched": False, "observation": ""}
    return step(action="answer", text=text, output=said, **{**empty, **changes})


def episode(*steps: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A right answer to a question of one hop; no tokens."""
    return {
        "update": 0,
        "id": "0/q/0",
        "group": "0/q",
        "question_id": "q",
        "question": "Who made the bridge?",
        "answers": ["Ann", "Ann B."],
        "gold_documents": [["d1"]],
        "hops": 1,
        "kind": "single",
        "prompt": "Question: Who made the bridge?\n",
        "steps": list(steps),
        "reward": 1.0,
        "exact_match": 1.0,
        "f1": 1.0,
        "recall": 1.0,
        "truncated": False,
        "overflowed": False,
        "retrieval_failed": False,
        "tokens": [],
        "turns": [],
        "log_probs": [],
        **changes,
    }


def many(count: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Groups of 8 with mixed results, 64 episodes to an update."""
    draw = random.Random(seed)
    for number in range(count):
        group = number // GROUP
        name = f"{number // UPDATE}/question-{group}"
        yield _drawn(
            draw,
            update=number // UPDATE,
            id=f"{name}/{number % GROUP}",
            group=name,
            question=f"Who made bridge {group} over the river {group * 7919 % 1000}?",
        )


def _drawn(draw: random.Random, **about: Any) -> dict[str, Any]:
    right = draw.random() < 0.4
    searches = [
        measured(draw.gauss(0.5, 2.0), credit=draw.gauss(0, 1), query_credit=draw.gauss(0, 0.3))
        for _ in range(draw.randint(0, 3))
    ]
    said = "Ann" if right else draw.choice(["Bob", "Cem", "Dora"])
    score = float(right)
    scores = {"reward": score, "exact_match": score, "f1": score}
    recall = float(bool(searches)) if right else draw.choice([0.0, 1.0])
    return episode(*searches, answer(said), recall=recall, **scores, **about)


def with_tokens(row: dict[str, Any], encode: Callable[[str], list[int]]) -> dict[str, Any]:
    """The row with the tokens of its own texts; every sampled token had probability 1/e."""
    tokens, turns = encode(row["prompt"]), []
    for each in row["steps"]:
        start = len(tokens)
        left = max(0, each["output"].find(each["text"]))
        right = left + len(each["text"])
        cuts = (slice(0, left), slice(left, right), slice(right, None))
        parts = [encode(each["output"][cut]) for cut in cuts]
        tokens += [id for part in parts for id in part]
        query = [start + len(parts[0]), start + len(parts[0]) + len(parts[1])]
        end = len(tokens)
        tokens += encode(each["observation"])
        searched = each["action"] == "search"
        turns.append([start, end, len(tokens), *(query if searched else (start, start))])
    written = sum(turn[1] - turn[0] for turn in turns)
    return {**row, "tokens": tokens, "turns": turns, "log_probs": [-1.0] * written}


def write_run(
    folder: Path, rows: Iterator[dict[str, Any]] | list[dict[str, Any]], policy: object = "none"
) -> Path:
    """A run folder with these rows and next to no configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = '[env]\nquestions = "mine.jsonl"\ncorpus = "none"\n\n'
    (folder / "config.toml").write_text(f'{settings}[policy]\npath = "{policy}"\n')
    with (folder / "episodes.jsonl").open("wb") as file:
        file.writelines(map(json_line, rows))
    return folder


if __name__ == "__main__":
    write_run(Path(sys.argv[1]), many(int(sys.argv[2])))
