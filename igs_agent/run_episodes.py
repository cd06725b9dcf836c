"""A run's episodes: who plays and measures which of them, and how they come together again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from igs_agent.config import RolloutConfig
from igs_agent.executors import spread
from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.measurement import FromBatch, measure_signals, warm_contexts
from igs_agent.question_order import questions_of_update
from igs_agent.rollout import RolloutPlan, planned_episodes, play_attempts
from igs_agent.run import Run
from igs_agent.scorer import PolicyScorer
from igs_agent.trajectory import Trajectory
from igs_env.types import Episode


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
    settings = run.config.rollout
    run.warm = warm_contexts(run.policy, run.estimator)
    trajectories = play_attempts(
        run.task.rules,
        run.policy,
        run.server or NativeGenerator(run.policy, warm=run.warm),
        [episode for group in groups for episode in group],
        _sampling(settings),
        attempts=settings.attempts,
        max_rows=settings.max_rows,
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
            run.policy,
            mine,
            max_tokens=optim.batch_tokens,
            autocast=optim.autocast,
            warm=run.warm,
        )
        measured = measure_signals(mine, scorer, run.estimator, sampler, run.config.credit)
        tokens = scorer.forward_tokens
        return _grouped(measured)

    measured = spread(run.executor, _grouped(trajectories), scored)
    return [t for group in measured for t in group], sum(run.executor.gather(tokens))


def _grouped(trajectories: Sequence[Trajectory]) -> list[list[Trajectory]]:
    """Those of one group together, which they stand side by side for."""
    return [list(of) for _, of in groupby(trajectories, key=lambda t: t.episode.group_id)]


def _sampling(settings: RolloutConfig) -> Sampling:
    return Sampling(
        temperature=settings.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        max_tokens=settings.max_tokens,
    )
