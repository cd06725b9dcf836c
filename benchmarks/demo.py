"""`make demo`: a small policy learns to search, and shows what it has learned.

The shipped policy is trained on the embedded world twice at equal budget, with `ig_search` and with
`grpo`, side by side with one thread each: `igs train --config tiny-atlas`. Then the same dev
questions are answered by the policy as it was and as it became, with the documents that it finds
and with those of other questions. Ctrl-C is safe: the next `make demo` goes on. One seed is an
example and no evidence; benchmarks/quality/results/tiny.json has five.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from benchmarks.quality.tiny import METHODS, Outcome, judge, play, run_folder, table, train_one
from igs_agent.checkpoint import newest_checkpoint
from igs_agent.config import TrainConfig
from igs_agent.config_file import load_config
from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import load_policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.tracking import read_jsonl
from igs_env.rendering import render_episode
from igs_env.task import Task, make_task
from igs_env.types import Episode

FOLDER = Path("runs/demo")
SEED = 0


def main() -> None:
    print(__doc__.split("\n\n")[1], "\n", flush=True)
    began = time.perf_counter()
    _train()
    print(
        "\nAnswering the dev questions before and after, with found and with shuffled documents …"
    )
    outcomes = [judge(FOLDER, method, SEED) for method in METHODS]
    print(f"\n{table(outcomes)}\n\n{_sentence(outcomes[0])}")
    _show_one()
    run, minutes = run_folder(FOLDER, METHODS[0], SEED), (time.perf_counter() - began) / 60
    print(f"\n{minutes:.1f} minutes. The runs are in {FOLDER}; delete it to train anew.")
    print(f'Next: igs ask "…" --policy {run} · igs play · python -m benchmarks.tour · docs/')


def _train() -> None:
    threads = [
        threading.Thread(target=train_one, args=(FOLDER, method, SEED, ()), daemon=True)
        for method in METHODS
    ]
    for thread in threads:
        thread.start()
    shown = ""
    while any(thread.is_alive() for thread in threads):
        line = "   ".join(_progress(method) for method in METHODS)
        if line != shown:
            print(line, flush=True)
        shown = line
        time.sleep(5)
    for method in METHODS:
        if not (run_folder(FOLDER, method, SEED) / "done").exists():
            raise SystemExit(f"{method} did not finish: {FOLDER}/{method}-{SEED}.log says why")


def _progress(method: str) -> str:
    """`ig_search: update 20, EM .31 (dev .27)`."""
    path = run_folder(FOLDER, method, SEED) / "metrics.jsonl"
    rows = list(read_jsonl(path)) if path.exists() else []
    played = [row for row in rows if "rollout/exact_match" in row]
    judged = [row["eval/exact_match"] for row in rows if "eval/exact_match" in row]
    if not played:
        return f"{method}: starting"
    recent = sum(row["rollout/exact_match"] for row in played[-5:]) / len(played[-5:])
    dev = f", dev EM {judged[-1]:.3f}" if judged else ""
    return f"{method}: update {len(played):>3}, EM of rollouts {recent:.2f}{dev}"


def _sentence(outcome: Outcome) -> str:
    return (
        f"With ig_search, dev EM went from {outcome.em_before:.3f} to {outcome.em_after:.3f}, and "
        f"recall of gold documents from {outcome.recall_before:.3f} to {outcome.recall_after:.3f}; "
        f"with documents of other questions EM is {outcome.shuffled_em_after:.3f} "
        f"(was {outcome.shuffled_em_before:.3f}). One seed, {outcome.questions} questions."
    )


def _show_one() -> None:
    """A question that was answered wrongly before and rightly after, as both played it."""
    run = run_folder(FOLDER, METHODS[0], SEED)
    config = load_config(run / "config.toml")
    paths = (config.policy.path, str(newest_checkpoint(run / "checkpoints")))
    before, after = (play(config, path) for path in paths)
    learned = [
        new.question_id
        for old, new in zip(before.rows, after.rows, strict=True)
        if new.exact_match > old.exact_match
    ]
    if not learned:
        return
    task = make_task(**{**dict(config.env), "split": "dev", "sampler": "none"})
    for name, path in zip(("before", "after"), paths, strict=True):
        print(f"\n── {name} training ".ljust(97, "─"))
        print(render_episode(_episode(config, task, path, learned[0])))


def _episode(config: TrainConfig, task: Task, path: str, question_id: str) -> Episode:
    policy = load_policy(path, template=config.policy.template)
    (trajectory,) = rollout(
        task.rules,
        policy,
        NativeGenerator(policy),
        RolloutPlan(questions=[task.by_id[question_id]], group_size=1, seed=0),
        Sampling(temperature=0.0, max_tokens=config.rollout.max_tokens),
    )
    return trajectory.episode


if __name__ == "__main__":
    main()
