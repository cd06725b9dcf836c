"""Training: rollouts, gains, credit, update, again and again, with everything kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
import torch

from igs_agent.config import TrainConfig
from igs_agent.credit import observation_similarity
from igs_agent.credit.ig_search import IGSearch, silent_groups
from igs_agent.episodes import episode_row, rollout_metrics
from igs_agent.evaluation import Evaluation
from igs_agent.executors import spread
from igs_agent.executors.launch import launched, launches
from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.measurement import FromBatch, measure_signals
from igs_agent.question_order import questions_of_update
from igs_agent.rollout import RolloutPlan, planned_episodes
from igs_agent.rollout import play as play_episodes
from igs_agent.run import Report, Run, start
from igs_agent.run_evaluation import checkpoint_run, evaluate_run, first_evaluation
from igs_agent.run_retrieval import RetrievalOutageError, check_outage
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import TokenBatch, step_table, token_batch
from igs_agent.stop_request import StopRequest
from igs_agent.trajectory import Trajectory
from igs_agent.update import NonFiniteUpdateError, UpdateStats, update_policy
from igs_env.types import Episode


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
        RetrievalOutageError: too many searches failed; the run is saved as it was before them.
    """
    if launches(config):
        return launched(config, resume=resume, report=report)
    run = start(config, resume=resume, report=report)
    stop = StopRequest(run.report)
    try:
        first = first_evaluation(run)
        last = first
        while run.state.update < config.updates and not _stops(run, stop):
            train_one(run)
            if _due(run.state.update, config.evaluation.every, config.updates):
                last = evaluate_run(run)
            if _due(run.state.update, config.checkpoint.every, config.updates):
                checkpoint_run(run)
        checkpoint_run(run)
        if stop.wanted:
            run.report(f'stopped after {run.state.update} updates; go on with "igs train --resume"')
    except RetrievalOutageError:
        checkpoint_run(run)
        raise
    finally:
        run.close()
    return TrainResult(updates=run.state.update, first=first, last=last, folder=Path(config.run))


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
    rows, groups = _kept_rows(config, table.group.tolist(), batch.advantages)
    with run.timed("update"):
        stats = _updated(run, batch, rows, groups)
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


def _updated(
    run: Run, batch: TokenBatch, rows: Sequence[int], groups: Sequence[int]
) -> UpdateStats:
    """Train on these rows of the batch, on the ranks that train, and tell the others."""
    config, number, stats = run.config, run.state.update, None
    _set_learning_rate(run, number)
    try:
        if run.executor.trains:
            stats = update_policy(
                run.trained,
                run.optimizer,
                batch.rows(rows),
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
    run.executor.publish(run.trained, run.policy)
    told = run.executor.agree(stats)
    assert told is not None  # rank 0 trains
    return told


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
    size = settings.group_size
    episodes = planned_episodes(run.task.rules, plan)
    groups = [episodes[at : at + size] for at in range(0, len(episodes), size)]
    played = spread(run.executor, groups, lambda mine: _played(run, mine))
    return [trajectory for group in played for trajectory in group]


def _played(run: Run, groups: Sequence[Sequence[Episode]]) -> list[list[Trajectory]]:
    """The groups' episodes played together to their ends."""
    trajectories = play_episodes(
        run.task.rules,
        run.policy,
        run.server or NativeGenerator(run.policy),
        [episode for group in groups for episode in group],
        _sampling(run.config),
        max_rows=run.config.rollout.max_rows,
    )
    return _grouped(trajectories)


def measure(run: Run, trajectories: Sequence[Trajectory]) -> tuple[list[Trajectory], int]:
    """(the trajectories with what the estimator needs, tokens through the model for it)."""
    optim, batch = run.config.optim, [trajectory.episode for trajectory in trajectories]
    sampler = None if run.sampler is None else FromBatch(run.sampler, batch)
    tokens = 0

    def scored(groups: Sequence[Sequence[Trajectory]]) -> list[list[Trajectory]]:
        nonlocal tokens
        mine = [trajectory for group in groups for trajectory in group]
        scorer = PolicyScorer(
            run.policy, mine, max_tokens=optim.batch_tokens, autocast=optim.autocast
        )
        measured = measure_signals(mine, scorer, run.estimator, sampler, run.config.credit)
        tokens = scorer.forward_tokens
        return _grouped(measured)

    measured = spread(run.executor, _grouped(trajectories), scored)
    return [t for group in measured for t in group], sum(run.executor.gather(tokens))


def _grouped(trajectories: Sequence[Trajectory]) -> list[list[Trajectory]]:
    """Those of one group together, which they stand side by side for."""
    return [list(of) for _, of in groupby(trajectories, key=lambda t: t.episode.group_id)]


def _stops(run: Run, stop: StopRequest) -> bool:
    """Out of patience, or asked to: rank 0 is who hears Ctrl-C."""
    return run.executor.agree(_out_of_patience(run) or stop.wanted)


def _due(update: int, every: int, last: int) -> bool:
    return update == last or (every > 0 and update % every == 0)


def _out_of_patience(run: Run) -> bool:
    patience = run.config.evaluation.patience
    return 0 < patience <= run.state.without_improvement


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
