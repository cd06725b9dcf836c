"""SmolLM2-135M on `atlas`: a warm start, then `ig_search` and `grpo` at equal budget.

    igs convert smollm2 models/smollm2
    python -m benchmarks.quality.smollm2 --output benchmarks/quality/results/smollm2_atlas.json

The warm start and both runs are what docs/real-models.md says, with less of each: so many
demonstrations, updates and rollouts as the options say. Whatever was interrupted goes on, what is
done is not repeated, and the record is written after every stage. `--updates` may be raised later:
the runs then go on from their last checkpoints.

Dev EM is over the same questions everywhere. Intervals are 95 % bootstraps over questions, rises
and differences paired. One seed: how much another would differ is not known.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from igs_agent.config_file import load_config
from igs_agent.evaluation import Evaluation, read_evaluation
from igs_agent.statistics import Interval, paired_bootstrap
from igs_agent.tracking import read_jsonl
from igs_agent.trainer import train
from igs_agent.warmstart.build import WarmstartConfig, warmstart
from igs_agent.warmstart.sft import SupervisedConfig

METHODS = ("ig_search", "grpo")
RECIPE = "smollm2-atlas-cpu"
SCORES = ("exact_match", "f1", "recall", "searches")
CURVE = ("rollout/reward", "rollout/exact_match", "update/kl", "update/entropy", "update/grad_norm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policy", default="models/smollm2", help="folder of igs convert")
    parser.add_argument("--folder", type=Path, default=Path("runs/smollm2"))
    parser.add_argument("--demonstrations", type=int, default=320)
    parser.add_argument("--updates", type=int, default=6)
    parser.add_argument("--questions", type=int, default=2, help="per update, of 8 rollouts each")
    parser.add_argument("--dev", type=int, default=60, help="dev questions")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    record: dict[str, Any] = {
        "machine": machine(),
        "recipe": RECIPE,
        "seed": 0,
        "options": {k: v for k, v in vars(args).items() if isinstance(v, int)},
        "warmstart": warm(args),
        "runs": {},
    }
    _write(args.output, record)
    for method in METHODS:
        run = args.folder / method
        config = load_config(RECIPE, overrides(args, method, run))
        train(config, resume=(run / "config.toml").is_file())
        record["runs"][method] = {"config": asdict(config), **told(run)}
        # Where files lie is nobody's business.
        record["runs"][method]["config"] |= {"run": method, "policy": {"path": "warm"}}
        _write(args.output, record)
    record["paired"] = paired(args.folder)
    _write(args.output, record)
    print(table(record))


def warm(args: argparse.Namespace) -> dict[str, Any]:
    """The warm start's scores before and after, and how it was made."""
    folder = args.folder / "warm"
    if not (folder / "warmstart.json").is_file():
        supervised = SupervisedConfig(
            epochs=1, learning_rate=1e-4, batch_tokens=1536, autocast=True
        )
        config = WarmstartConfig(
            output=str(folder),
            policy=args.policy,
            template="plain",
            questions=args.demonstrations,
            first_turns=0,
            excerpts=0,
            documents=0.0,
            half=False,
            judged=args.dev,
            supervised=supervised,
        )
        warmstart(config)
    made: dict[str, Any] = json.loads((folder / "warmstart.json").read_text(encoding="utf-8"))
    return {key: value for key, value in made.items() if key not in ("output", "policy")}


def overrides(args: argparse.Namespace, method: str, run: Path) -> list[str]:
    return [
        f"run={run}",
        f"policy.path={args.folder / 'warm'}",
        f"credit={method}",
        f"updates={args.updates}",
        f"rollout.questions={args.questions}",
        "rollout.max_rows=16",
        "optim.warmup=1",
        "evaluation.every=0",
        f"evaluation.questions={args.dev}",
        "checkpoint.every=1",
        "checkpoint.keep=1",
    ]


def told(run: Path) -> dict[str, Any]:
    """Curves, seconds and dev scores of a run."""
    updates = [row for row in read_jsonl(run / "metrics.jsonl") if "update/loss" in row]
    known = [name for name in CURVE if updates and name in updates[0]]
    timings = [dict(row) for row in read_jsonl(run / "timings.jsonl")]
    return {
        "curve": [{name: round(row[name], 5) for name in known} for row in updates],
        "seconds": {
            phase: round(sum(row.get(f"seconds/{phase}", 0.0) for row in timings), 1)
            for phase in ("rollout", "gain", "update", "evaluation")
        },
        "dev": {
            stage: {name: str(evaluation.interval(name)) for name in SCORES}
            for stage, evaluation in zip(("before", "after"), ends(run), strict=True)
        },
    }


def ends(run: Path) -> tuple[Evaluation, Evaluation]:
    """The first and the last dev evaluation of a run."""
    files = sorted((run / "dev").glob("update-*.jsonl"))
    return read_evaluation(files[0]), read_evaluation(files[-1])


def paired(folder: Path) -> dict[str, str]:
    """Each method's rise in EM, and what the last policies differ by, over the same questions."""
    found = {method: ends(folder / method) for method in METHODS}
    rises = {f"{m}, rise": str(_rise(*reversed(found[m]))) for m in METHODS}
    first, second = (found[method][1] for method in METHODS)
    return {**rises, f"{METHODS[0]} − {METHODS[1]}": str(_rise(first, second))}


def _rise(after: Evaluation, before: Evaluation) -> Interval:
    values, others = (each.items("exact_match") for each in (after, before))
    return paired_bootstrap([values[key] for key in others], list(others.values()))


def table(record: dict[str, Any]) -> str:
    warm_rows = [(f"{when} the warm start", record["warmstart"][when]) for when in _WHEN]
    lines = ["| | dev EM | F1 | recall | searches | rise of EM |", "|---" * 6 + "|"]
    for name, scores in warm_rows:
        cells = [_cell(scores[column]) for column in SCORES]
        lines.append(f"| {name} | {' | '.join(cells)} | |")
    for method, told_ in record["runs"].items():
        cells = [told_["dev"]["after"][column].partition(", n")[0] for column in SCORES]
        rise = record["paired"][f"{method}, rise"].partition(", n")[0]
        updates = record["options"]["updates"]
        lines.append(f"| {method}, {updates} updates | {' | '.join(cells)} | {rise} |")
    return "\n".join(lines)


_WHEN = ("before", "after")


def _cell(values: Sequence[float]) -> str:
    mean, low, high = values
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


def _write(output: Path | None, record: dict[str, Any]) -> None:
    if output:
        output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
