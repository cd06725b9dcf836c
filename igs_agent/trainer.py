"""Training: rollouts, gains, credit, update, again and again, with everything kept."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from igs_agent.checkpoint import (
    RunState,
    drop_old,
    save_checkpoint,
)
from igs_agent.config import TrainConfig
from igs_agent.credit import observation_similarity
from igs_agent.credit.ig_search import IGSearch, silent_groups
from igs_agent.episodes import episode_row, rollout_metrics
from igs_agent.evaluation import Evaluation, evaluate
from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.measurement import measure_signals
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.run import Report, Run, load_policy_of, start
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import step_table, token_batch
from igs_agent.tracking import JsonlTracker, write_jsonl
from igs_agent.trajectory import Trajectory
from igs_agent.update import NonFiniteUpdateError, update_policy
from igs_env.errors import ConfigurationError
from igs_env.types import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """How a run ended."""

    updates: int
    """Updates done, those before a resume included."""
    first: Evaluation
    """Of the policy that training started from."""
    last: Evaluation
    folder: Path


def train(
    config: TrainConfig, *, resume: bool = False, report: Report | None = print
) -> TrainResult:
    """Train until `config.updates`, or until evaluation stops improving.

    Args:
        config: everything about the run.
        resume: go on from the newest checkpoint of `config.run`; parameters and metrics are then
            the same, bit for bit (CPU, fp32), as if the run had not been interrupted.
        report: takes a line of progress; None shows nothing at all.

    Raises:
        ConfigurationError: something that cannot be trained, or a run folder that holds a run.
        NonFiniteUpdateError: a loss or gradient that is not finite; the batch is saved.
    """
    run = start(config, resume=resume, report=report)
    stop = StopRequest(run.report)
    try:
        first = _first_evaluation(run)
        last = first
        while run.state.update < config.updates and not (_out_of_patience(run) or stop.wanted):
            train_one(run)
            if _due(run.state.update, config.evaluation.every, config.updates):
                last = _evaluate(run)
            if _due(run.state.update, config.checkpoint.every, config.updates):
                _checkpoint(run)
        _checkpoint(run)
        if stop.wanted:
            run.report(f'stopped after {run.state.update} updates; go on with "igs train --resume"')
    finally:
        for tracker in run.trackers:
            tracker.close()
        if run.server is not None:
            run.server.close()
    return TrainResult(updates=run.state.update, first=first, last=last, folder=Path(config.run))


class StopRequest:
    """Ctrl-C while training: the update in hand is finished first, so that nothing is lost.

    A second Ctrl-C stops at once; the newest checkpoint is then what a resume goes on from.
    """

    def __init__(self, report: Report) -> None:
        """Listen, where this is the main thread."""
        self.wanted = False
        self._report = report
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._take)

    def _take(self, *_: object) -> None:
        self.wanted = True
        self._report("finishing this update before stopping; press Ctrl-C again to stop at once")
        signal.signal(signal.SIGINT, signal.default_int_handler)


def train_one(run: Run) -> None:
    """One update: play, measure, assign credit, train, report."""
    config, number = run.config, run.state.update
    with _timed(run, "rollout"):
        trajectories = play(run, number)
    with _timed(run, "gain"):
        trajectories, gain_tokens = measure(run, trajectories)
    table = step_table(
        trajectories,
        mask_truncated=config.loss.mask_truncated,
        similarity=observation_similarity(run.estimator),
    )
    credit = run.estimator(table)
    batch = token_batch(trajectories, table, credit)
    rows, groups = _kept_rows(config, table.group.tolist(), batch.advantages)
    with _timed(run, "update"):
        _set_learning_rate(run, number)
        try:
            stats = update_policy(
                run.policy,
                run.optimizer,
                batch.rows(rows),
                config.loss,
                config.optim,
                temperature=config.rollout.temperature,
                groups=groups,
                reference=run.reference,
            )
        except NonFiniteUpdateError as error:
            path = Path(config.run) / f"bad-batch-{number}.pt"
            torch.save(asdict(batch), path)
            raise NonFiniteUpdateError(
                f"update {number}: {error}; its batch is in {path}, the parameters are those of "
                "the update before"
            ) from error
    metrics = {
        **rollout_metrics(trajectories),
        **silent_groups(table),
        **(run.estimator.diagnostics(table) if isinstance(run.estimator, IGSearch) else {}),
        **{f"update/{name}": float(value) for name, value in asdict(stats).items()},
        "gain/forward_tokens": float(gain_tokens),
        "rollout/tokens": float(sum(len(t.token_ids) for t in trajectories)),
    }
    if run.server is not None:
        with _timed(run, "push"):
            metrics["rollout/server_gap"] = run.server.push_weights()
    for tracker in run.trackers:
        tracker.metrics(number, metrics)
        tracker.episodes(number, [episode_row(t, credit, i) for i, t in enumerate(trajectories)])
        tracker.timings(number, run.seconds)
    run.seconds = {}
    run.state = _advanced(run.state, run.files)


def play(run: Run, number: int) -> list[Trajectory]:
    """The rollouts of one update; which questions follows from the seed and the number."""
    settings = run.config.rollout
    plan = RolloutPlan(
        questions=_questions_of(run.task.questions, number, settings.questions, run.config.seed),
        group_size=settings.group_size,
        seed=int(np.random.SeedSequence([run.config.seed, number]).generate_state(1)[0]),
    )
    return rollout(
        run.task.rules,
        run.policy,
        run.server or NativeGenerator(run.policy),
        plan,
        _sampling(run.config),
        max_rows=settings.max_rows,
    )


def measure(run: Run, trajectories: Sequence[Trajectory]) -> tuple[list[Trajectory], int]:
    """(the trajectories with what the estimator needs, tokens through the model for it)."""
    scorer = PolicyScorer(
        run.policy,
        trajectories,
        temperature=run.config.rollout.temperature,
        max_tokens=run.config.optim.batch_tokens,
        autocast=run.config.optim.autocast,
    )
    measured = measure_signals(trajectories, scorer, run.estimator, run.sampler, run.config.credit)
    return measured, scorer.forward_tokens


def _first_evaluation(run: Run) -> Evaluation:
    if run.state.update == 0:
        return _evaluate(run)
    rules = run.task.rules
    initial = load_policy_of(run.config)
    return evaluate(
        rules,
        initial,
        NativeGenerator(initial),
        run.dev,
        max_tokens=run.config.rollout.max_tokens,
    )


def _evaluate(run: Run) -> Evaluation:
    with _timed(run, "evaluation"):
        evaluation = evaluate(
            run.task.rules,
            run.policy,
            run.server or NativeGenerator(run.policy),
            run.dev,
            max_tokens=run.config.rollout.max_tokens,
        )
    for tracker in run.trackers:
        tracker.metrics(run.state.update, evaluation.metrics())
    rows = Path(run.config.run) / "dev" / f"{_name(run.state.update)}.jsonl"
    rows.parent.mkdir(exist_ok=True)
    write_jsonl(rows, evaluation.as_dicts())
    score = evaluation.mean("exact_match")
    better = score > run.state.best
    run.state = RunState(
        update=run.state.update,
        # In this order: NaN, when every retrieval failed, is then never the best.
        best=max(run.state.best, score),
        without_improvement=0 if better else run.state.without_improvement + 1,
        offsets=run.files.offsets(),
    )
    if better and run.state.update:
        folder = Path(run.config.run) / "best"
        save_checkpoint(folder / _name(run.state.update), run.policy, run.optimizer, run.state)
        drop_old(folder, keep=1)
    return evaluation


def _checkpoint(run: Run) -> None:
    folder = Path(run.config.run) / "checkpoints"
    save_checkpoint(folder / _name(run.state.update), run.policy, run.optimizer, run.state)
    drop_old(folder, run.config.checkpoint.keep)


def _name(update: int) -> str:
    return f"update-{update:06d}"


def _due(update: int, every: int, last: int) -> bool:
    return update == last or (every > 0 and update % every == 0)


def _out_of_patience(run: Run) -> bool:
    patience = run.config.evaluation.patience
    return 0 < patience <= run.state.without_improvement


def _advanced(state: RunState, files: JsonlTracker) -> RunState:
    return RunState(
        update=state.update + 1,
        best=state.best,
        without_improvement=state.without_improvement,
        offsets=files.offsets(),
    )


def _questions_of(
    questions: Sequence[Question], number: int, count: int, seed: int
) -> list[Question]:
    """Questions of update `number`: epochs are seeded permutations, read one after the other."""
    if count > len(questions):
        raise ConfigurationError(
            f"rollout.questions is {count}, but there are only {len(questions)} questions"
        )
    chosen: list[Question] = []
    place = number * count
    while len(chosen) < count:
        epoch, offset = divmod(place + len(chosen), len(questions))
        order = np.random.default_rng([seed, epoch]).permutation(len(questions))
        chosen += [questions[int(i)] for i in order[offset : offset + count - len(chosen)]]
    return chosen


def _sampling(config: TrainConfig) -> Sampling:
    settings = config.rollout
    return Sampling(
        temperature=settings.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        max_tokens=settings.max_tokens,
    )


def _kept_rows(
    config: TrainConfig, groups: Sequence[int], advantages: torch.Tensor
) -> tuple[list[int], list[int]]:
    """Rows that are trained on, and their groups."""
    if not config.loss.drop_silent_groups:
        return list(range(len(groups))), list(groups)
    loud = {g for g, row in zip(groups, advantages, strict=True) if bool((row != 0).any())}
    rows = [row for row, group in enumerate(groups) if group in loud] or list(range(len(groups)))
    return rows, [groups[row] for row in rows]


def _set_learning_rate(run: Run, number: int) -> None:
    rate = run.config.optim.learning_rate_at(number, run.config.updates)
    for group in run.optimizer.param_groups:
        group["lr"] = rate


@contextmanager
def _timed(run: Run, phase: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    run.seconds[phase] = run.seconds.get(phase, 0.0) + time.perf_counter() - began
