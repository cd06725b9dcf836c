"""A run's evaluations and checkpoints: what is kept of the policy on the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from igs_agent import heap
from igs_agent.checkpoint import RunState, drop_old, save_checkpoint
from igs_agent.evaluation import Evaluation, evaluate, read_evaluation
from igs_agent.executors import spread
from igs_agent.generation.native import NativeGenerator
from igs_agent.run import Run, load_policy_of
from igs_agent.run_retrieval import check_outage
from igs_agent.schedule import due
from igs_agent.tracking import write_jsonl
from igs_env.types import Question


def first_evaluation(run: Run) -> Evaluation:
    """Of the policy that training started from, also where the run was resumed.

    A run that is resumed has its rows; they are not played again.
    """
    if run.state.update == 0 and run.state.best < 0:
        return evaluate_run(run)
    if _rows_of(run, 0).exists():
        return read_evaluation(_rows_of(run, 0))
    rules = run.task.rules
    initial = load_policy_of(run.config)
    return evaluate(
        rules,
        initial,
        NativeGenerator(initial),
        run.dev,
        max_tokens=run.config.rollout.max_tokens,
        max_rows=run.config.rollout.max_rows,
    )


def owes_evaluation(run: Run) -> bool:
    """Whether the update that a run stands at was due to be evaluated and was not: a search failed
    too often in it, and the run was saved before it stopped."""
    at, config = run.state.update, run.config
    owed = at > 0 and due(at, config.evaluation.every, config.updates)
    return run.executor.agree(owed and not _rows_of(run, at).exists())


def last_evaluation(run: Run, first: Evaluation) -> tuple[int, Evaluation]:
    """(updates, evaluation) of the newest policy that was evaluated, before a resume too."""
    for update in range(run.state.update, 0, -1):
        if _rows_of(run, update).exists():
            return update, read_evaluation(_rows_of(run, update))
    return 0, first


def evaluate_run(run: Run) -> Evaluation:
    """Play the evaluation questions, keep their rows, and keep the policy if it is the best."""
    with run.timed("evaluation"):
        rows = spread(run.executor, run.dev, lambda questions: _played(run, questions).rows)
        evaluation = Evaluation(rows=tuple(rows))
    failed = evaluation.failed / max(1, len(evaluation.rows))
    check_outage(run.config.retrieval, failed, f"the evaluation after {run.state.update} updates")
    for tracker in run.trackers:
        tracker.metrics(run.state.update, evaluation.metrics())
    if run.executor.rank == 0:
        write_jsonl(_rows_of(run, run.state.update), evaluation.as_dicts())
    score = evaluation.mean("exact_match")
    better = score > run.state.best
    run.state = RunState(
        update=run.state.update,
        # In this order: NaN, when every retrieval failed, is then never the best.
        best=max(run.state.best, score),
        without_improvement=0 if better else run.state.without_improvement + 1,
        offsets=run.offsets(),
    )
    if better and run.state.update:
        folder = Path(run.config.run) / "best"
        _save(run, folder, keep=1)
    return evaluation


def checkpoint_run(run: Run) -> None:
    """Save the run where a resume looks for it; old checkpoints go, and so does free memory."""
    _save(run, Path(run.config.run) / "checkpoints", run.config.checkpoint.keep)
    heap.give_back()


def _save(run: Run, folder: Path, keep: int) -> None:
    """In the one layout that every executor reads, by rank 0."""
    training = run.executor.whole_state(run.optimizer)
    if run.executor.rank == 0:
        save_checkpoint(folder / step_name(run.state.update), run.policy, training, run.state)
        drop_old(folder, keep)


def _played(run: Run, questions: Sequence[Question]) -> Evaluation:
    return evaluate(
        run.task.rules,
        run.policy,
        run.server or NativeGenerator(run.policy),
        questions,
        max_tokens=run.config.rollout.max_tokens,
        max_rows=run.config.rollout.max_rows,
    )


def _rows_of(run: Run, update: int) -> Path:
    """Where the rows of an evaluation are kept."""
    return Path(run.config.run) / "dev" / f"{step_name(update)}.jsonl"


def step_name(update: int) -> str:
    """Name of what belongs to the state after so many updates."""
    return f"update-{update:06d}"
