"""Training: rollouts, gains, credit, update, again and again, with everything kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from igs_agent.batch import CreditError
from igs_agent.config import TrainConfig
from igs_agent.credit import observation_similarity, signals_of
from igs_agent.credit.assign import assign
from igs_agent.credit.ig_search import IGSearch, silent_groups
from igs_agent.dynamic_sampling import rows_of_loud_groups
from igs_agent.episodes import episode_row, rollout_metrics
from igs_agent.evaluation import Evaluation
from igs_agent.executors.launch import launched, launches
from igs_agent.run import Report, Run, start
from igs_agent.run_episodes import measure, play
from igs_agent.run_evaluation import (
    checkpoint_run,
    evaluate_run,
    first_evaluation,
    last_evaluation,
    owes_evaluation,
)
from igs_agent.run_retrieval import RetrievalOutageError, check_outage
from igs_agent.schedule import due, ended_early, out_of_patience, set_learning_rate
from igs_agent.signals import TokenBatch, step_table, token_batch
from igs_agent.stop_request import StopRequest
from igs_agent.update import NonFiniteUpdateError, UpdateStats, update_policy
from igs_env.errors import ConfigurationError


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
    if launches(config):
        return launched(config, resume=resume, report=report)
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
    if owes_evaluation(run):
        evaluate_run(run)
    while run.state.update < config.updates and not _stops(run, stop):
        train_one(run)
        if due(run.state.update, config.evaluation.every, config.updates):
            evaluate_run(run)
        if due(run.state.update, config.checkpoint.every, config.updates):
            checkpoint_run(run)


def _stops(run: Run, stop: StopRequest) -> bool:
    """Out of patience, or asked to: rank 0 is who hears Ctrl-C."""
    return run.executor.agree(out_of_patience(run) or stop.wanted)


def train_one(run: Run) -> None:
    """One update: play, measure, assign credit, train, report."""
    config, number = run.config, run.state.update
    with run.timed("rollout"):
        trajectories = play(run, number)
    failed = sum(t.retrieval_failed for t in trajectories) / len(trajectories)
    check_outage(config.retrieval, failed, f"update {number}")
    with run.timed("gain"):
        trajectories, gain_tokens = measure(run, trajectories)
        run.warm = None  # the weights that it was computed with are about to change
    table = step_table(
        trajectories,
        mask_truncated=config.loss.mask_truncated,
        similarity=observation_similarity(run.estimator),
    )
    try:
        credit = assign(run.estimator, table, signals_of(run.estimator))
    except CreditError as error:
        raise ConfigurationError(f"credit={config.credit.name}: {error}") from error
    batch = token_batch(trajectories, table, credit)
    groups = table.group.tolist()
    rows = list(range(len(groups)))
    if config.loss.drop_silent_groups:
        rows = rows_of_loud_groups(groups, batch.advantages)
    with run.timed("update"):
        stats = _updated(run, batch.rows(rows), [groups[row] for row in rows])
    if run.executor.ranks > 1:
        with run.timed("publish"):
            run.executor.publish(run.trained, run.policy)
            stats = run.executor.agree(stats)
    assert stats is not None  # rank 0 trains
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


def _updated(run: Run, batch: TokenBatch, groups: Sequence[int]) -> UpdateStats | None:
    """Train on the batch; None on a rank that does not train."""
    config, number, stats = run.config, run.state.update, None
    set_learning_rate(run)
    try:
        if run.executor.trains:
            stats = update_policy(
                run.trained,
                run.optimizer,
                batch,
                config.loss,
                config.optim,
                temperature=config.rollout.temperature,
                groups=groups,
                reference=run.reference,
                executor=run.executor,
            )
    except NonFiniteUpdateError as error:
        path = Path(config.run) / f"bad-batch-{number}.pt"
        torch.save(asdict(batch), path)
        raise NonFiniteUpdateError(
            f"update {number}: {error}; its batch is in {path}, the parameters are those of "
            "the update before"
        ) from error
    return stats
