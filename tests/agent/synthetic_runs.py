"""Made-up run folders, as `igs train` writes them. `python tests/agent/synthetic_runs.py FOLDER`
makes ten seeds of two settings, 100 updates of 64 episodes each."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from synthetic_episodes import answer, episode, measured, step

from igs_agent.tracking.jsonl import json_line

CONFIG = """\
run = "{name}"
seed = {seed}
updates = {updates}

[env]
questions = "none"

[policy]
path = "tiny"

[rollout]
questions = 8
group_size = 8

[credit]
name = "{credit}"

[tracking]
wandb = false
"""


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(map(json_line, rows))


def update_row(number: int, **changes: float) -> dict[str, Any]:
    values = {
        "rollout/exact_match": 0.25,
        "rollout/reward": 0.25,
        "rollout/f1": 0.5,
        "rollout/recall": 0.75,
        "rollout/searches": 2.0,
        "rollout/valid_actions": 1.0,
        "rollout/truncated": 0.0,
        "rollout/policy_tokens": 40.0,
        "rollout/tokens": 1000.0,
        "groups/all_fail_share": 0.5,
        "groups/all_pass_share": 0.125,
        "gain/forward_tokens": 3000.0,
        "query/length": 6.0,
        "update/forward_tokens": 1000.0,
        "update/kl": 1e-4,
        "update/clip_share": 0.0,
        "update/grad_norm": 0.5,
        "update/entropy": 0.25,
    }
    return {"update": number, **values, **changes}


def evaluation_row(done: int, answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = ("exact_match", "f1", "recall", "searches", "policy_tokens")
    means = {f"eval/{name}": sum(a[name] or 0 for a in answers) / len(answers) for name in names}
    return {"update": done, **means}


def answer_row(number: int, right: bool, **changes: Any) -> dict[str, Any]:
    return {
        "dataset": "",
        "question_id": f"q{number}",
        "question": f"Who made bridge {number}?",
        "kind": "single",
        "hops": 1,
        "answer": "Ann" if right else "Bob",
        "exact_match": float(right),
        "f1": float(right),
        "sub_exact_match": float(right),
        "recall": 1.0,
        "searches": 2,
        "policy_tokens": 40,
        "valid_actions": 1.0,
        "truncated": False,
        "retrieval_failed": False,
        **changes,
    }


def answers(right: int, count: int = 40, skip: int = 0) -> list[dict[str, Any]]:
    """`count` questions, of which `right`, from number `skip` on, are answered rightly."""
    return [answer_row(n, skip <= n < skip + right) for n in range(count)]


def some_episodes(updates: int, per_update: int = 16, seed: int = 0) -> list[dict[str, Any]]:
    """Gains around 2 where the gold document was found, around 0 elsewhere."""
    draw = random.Random(seed)
    found = []
    for update in range(updates):
        for number in range(per_update):
            about = {"update": update, "id": f"{update}/q{number}/0", "question_id": f"q{number}"}
            useful = draw.random() < 0.5
            first = measured(draw.gauss(0.0, 1.0), documents=["d2"])
            second = measured(draw.gauss(2.0 * useful, 1.0), documents=["d1" if useful else "d3"])
            scores = {"exact_match": float(useful), "recall": float(useful)}
            found.append(episode(first, second, answer("Ann"), **scores, **about))
    return found


def make_run(
    folder: Path,
    *,
    seed: int = 0,
    credit: str = "grpo",
    updates: int = 4,
    planned: int | None = None,
    first: Sequence[dict[str, Any]] | None = None,
    last: Sequence[dict[str, Any]] | None = None,
    episodes: Sequence[dict[str, Any]] | None = None,
    edit: Callable[[str], str] = str,
) -> Path:
    """A whole run: evaluated before and after, timed, with its episodes.

    Args:
        folder: to be made.
        seed: of its settings.
        credit: likewise.
        updates: that are on record.
        planned: of its settings; None for those on record.
        first: rows of the evaluation before; 10 of 40 right by default.
        last: likewise after; 20 of 40.
        episodes: by default some with gains.
        edit: changes the text of config.toml.
    """
    before, after = first or answers(10), last or answers(20)
    folder.mkdir(parents=True)
    text = CONFIG.format(name=folder.name, seed=seed, credit=credit, updates=planned or updates)
    (folder / "config.toml").write_text(edit(text), encoding="utf-8")
    rows = [evaluation_row(0, before), *map(update_row, range(updates))]
    write_lines(folder / "metrics.jsonl", [*rows, evaluation_row(updates, after)])
    seconds = {"seconds/rollout": 2.0, "seconds/gain": 1.0, "seconds/update": 1.0}
    write_lines(folder / "timings.jsonl", [{"update": n, **seconds} for n in range(updates)])
    own = some_episodes(updates, seed=seed) if episodes is None else episodes
    write_lines(folder / "episodes.jsonl", own)
    write_lines(folder / "dev" / "update-000000.jsonl", before)
    write_lines(folder / "dev" / f"update-{updates:06d}.jsonl", after)
    return folder


HOSTILE = (
    "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    "{{ 7 * 7 }} $\\frac{a}{b}$ ]]> \x00\x1b[31m \u202etxet\u202c \ud800"
)
"""A text that tries to be something else: HTML, a template, a formula, controls, bidi, half a
surrogate pair."""


def hostile_run(folder: Path) -> Path:
    """A run in which every text is hostile."""
    wild = step(text=HOSTILE, output=HOSTILE, observation=HOSTILE, documents=[HOSTILE])
    long = "x" * 1_000_000
    rows = [
        episode(wild, answer(HOSTILE), question=HOSTILE, answers=[HOSTILE], exact_match=0.0,
                id=HOSTILE, gold_documents=[[HOSTILE]], kind=HOSTILE),
        episode(wild, answer(long), question=long, answers=[long], exact_match=0.0, recall=0.0),
    ]  # fmt: skip
    texts = {"question": HOSTILE, "answer": HOSTILE, "kind": HOSTILE, "question_id": HOSTILE}
    after = [*answers(20), answer_row(40, False, **texts), answer_row(41, False, answer=long)]
    quoted = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    quoted = quoted.replace("\x00", "\\u0000").replace("\x1b", "\\u001b").replace("\ud800", "")
    return make_run(
        folder,
        last=after,
        episodes=rows,
        edit=lambda text: text.replace('name = "grpo"', f'name = "{quoted}"'),
    )


if __name__ == "__main__":
    for credit in ("grpo", "ig_search"):
        for seed in range(10):
            make_run(
                Path(sys.argv[1]) / f"{credit}-{seed}",
                seed=seed,
                credit=credit,
                updates=100,
                first=answers(40, 200),
                last=answers(80 + seed + 3 * (credit == "ig_search"), 200),
                episodes=some_episodes(100, 64, seed),
            )
