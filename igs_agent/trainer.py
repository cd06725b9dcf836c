"""Training: rollouts, gains, credit, update, again and again, with everything kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from igs_agent.config import TrainConfig
from igs_agent.credit import observation_similarity
from igs_agent.credit.ig_search import IGSearch, silent_groups
from igs_agent.dynamic_sampling import rows_of_loud_groups
from igs_agent.episodes import episode_row, rollout_metrics
from igs_agent.evaluation import Evaluation
from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.measurement import measure_signals
from igs_agent.question_order import questions_of_update
from igs_agent.rollout import RolloutPlan, rollout_attempts
from igs_agent.run import Report, Run, start
from igs_agent.run_evaluation import (
    checkpoint_run,
    evaluate_run,
    first_evaluation,
    last_evaluation,
)
from igs_agent.run_retrieval import RetrievalOutageError, check_outage
from igs_agent.schedule import due, ended_early, out_of_patience, set_learning_rate
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import step_table, token_batch
from igs_agent.stop_request import StopRequest
from igs_agent.trajectory import Trajectory
from igs_agent.update import NonFiniteUpdateError, update_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """How a run ended."""

    updates: int
    """Updates done, those before a resume included."""
    first: Evaluation
    """Of the policy that training started from."""
    last: Evaluation
    """The newest one."""
    evaluated: int
    """Updates that the policy of `last` had; fewer than `updates` where the run was interrupted."""
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
        RetrievalOutageError: too many searches failed; the run is saved as it was before them.
    """
    run = start(config, resume=resume, report=report)
    try:
        with StopRequest(run.report) as stop:
            first = first_evaluation(run)
            _until_done(run, stop)
            checkpoint_run(run)
        evaluated, last = last_evaluation(run, first)
        if run.state.update < config.updates:
            run.report(ended_early(run, stop.wanted))
    except RetrievalOutageError:
        checkpoint_run(run)
        raise
    finally:
        run.close()
    return TrainResult(
        updates=run.state.update,
        first=first,
        last=last,
        evaluated=evaluated,
        folder=Path(config.run),
    )


def _until_done(run: Run, stop: StopRequest) -> None:
    """Updates, with evaluations and checkpoints when they are due."""
    config = run.config
    while run.state.update < config.updates and not (out_of_patience(run) or stop.wanted):
        train_one(run)
        if due(run.state.update, config.evaluation.every, config.updates):
            evaluate_run(run)
        if due(run.state.update, config.checkpoint.every, config.updates):
            checkpoint_run(run)


def train_one(run: Run) -> None:
    """One update: play, measure, assign credit, train, report."""
    config, number = run.config, run.state.update
    with run.timed("rollout"):
        trajectories = play(run, number)
    failed = sum(t.retrieval_failed for t in trajectories) / len(trajectories)
    check_outage(config.retrieval, failed, f"update {number}")
    with run.timed("gain"):
        trajectories, gain_tokens = measure(run, trajectories)
    table = step_table(
        trajectories,
        mask_truncated=config.loss.mask_truncated,
        similarity=observation_similarity(run.estimator),
    )
    credit = run.estimator(table)
    batch = token_batch(trajectories, table, credit)
    groups = table.group.tolist()
    rows = list(range(len(groups)))
    if config.loss.drop_silent_groups:
        rows = rows_of_loud_groups(groups, batch.advantages)
    with run.timed("update"):
        set_learning_rate(run)
        try:
            stats = update_policy(
                run.policy,
                run.optimizer,
                batch.rows(rows),
                config.loss,
                config.optim,
                temperature=config.rollout.temperature,
                groups=[groups[row] for row in rows],
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
        with run.timed("push"):
            metrics["rollout/server_gap"] = run.server.push_weights()
    for tracker in run.trackers:
        tracker.metrics(number, metrics)
        tracker.episodes(number, [episode_row(t, credit, i) for i, t in enumerate(trajectories)])
        tracker.timings(number, run.seconds)
    run.seconds = {}
    run.state = replace(run.state, update=number + 1, offsets=run.offsets())


def play(run: Run, number: int) -> list[Trajectory]:
    """The rollouts of one update; which questions follows from the seed and the number."""
    settings = run.config.rollout
    plan = RolloutPlan(
        questions=questions_of_update(
            run.task.questions, number, settings.questions, run.config.seed
        ),
        group_size=settings.group_size,
        seed=int(np.random.SeedSequence([run.config.seed, number]).generate_state(1)[0]),
    )
    return rollout_attempts(
        run.task.rules,
        run.policy,
        run.server or NativeGenerator(run.policy),
        plan,
        _sampling(run.config),
        attempts=settings.attempts,
        max_rows=settings.max_rows,
    )


def measure(run: Run, trajectories: Sequence[Trajectory]) -> tuple[list[Trajectory], int]:
    """(the trajectories with what the estimator needs, tokens through the model for it)."""
    scorer = PolicyScorer(
        run.policy,
        trajectories,
        max_tokens=run.config.optim.batch_tokens,
        autocast=run.config.optim.autocast,
    )
    measured = measure_signals(trajectories, scorer, run.estimator, run.sampler, run.config.credit)
    return measured, scorer.forward_tokens


def _sampling(config: TrainConfig) -> Sampling:
    settings = config.rollout
    return Sampling(
        temperature=settings.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        max_tokens=settings.max_tokens,
    )
