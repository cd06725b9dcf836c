"""Rollouts: a policy plays episodes, and what comes out is token-exact trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from igs_agent.generation import Generator, Sampling
from igs_agent.player import Player
from igs_agent.policy import Policy
from igs_agent.trajectory import Trajectory
from igs_env.errors import ConfigurationError
from igs_env.prompt import render_next_attempt
from igs_env.transition import Rules, advance, begin
from igs_env.types import Episode, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPlan:
    """Which episodes to play."""

    questions: Sequence[Question]
    group_size: int
    """Rollouts per question."""
    seed: int
    """Of the whole batch; every row's draws follow from it, its question and its member."""


def rollout(
    rules: Rules,
    policy: Policy,
    generator: Generator,
    plan: RolloutPlan,
    sampling: Sampling,
    *,
    max_rows: int = 256,
) -> list[Trajectory]:
    """Play every episode of the plan to its end.

    All rows generate, then all of them advance together in one retrieval batch: the barrier is
    deterministic, so that results never depend on arrival times. Rows that are finished make
    room for waiting ones.

    Args:
        rules: of the task.
        policy: encodes and decodes; `generator` must sample from the same one.
        generator: continues sequences.
        plan: the episodes.
        sampling: how tokens are drawn.
        max_rows: most episodes alive at once.

    Returns:
        One checked trajectory per episode, in the plan's order: question by question, the
        members of a group together.

    Raises:
        ConfigurationError: no prompt leaves room for a turn.
    """
    episodes = planned_episodes(rules, plan)
    return play_attempts(
        rules, policy, generator, episodes, sampling, attempts=1, max_rows=max_rows
    )


def play_attempts(
    rules: Rules,
    policy: Policy,
    generator: Generator,
    episodes: Sequence[Episode],
    sampling: Sampling,
    *,
    attempts: int,
    max_rows: int = 256,
) -> list[Trajectory]:
    """Fresh episodes played, and behind each further attempts, every one read in one context.

    An attempt's prompt is the transcript of the one before, a request to try again and the
    question (MR-Search, arXiv 2603.11327). A rollout whose retrieval failed, or whose context is
    full, gets no further attempt.

    Returns:
        One trajectory per episode for one attempt; with more, the attempts of each side by side.

    Raises:
        ConfigurationError: no prompt leaves room for a turn.
    """
    first = play(rules, policy, generator, episodes, sampling, max_rows=max_rows)
    if first and not any(trajectory.turns for trajectory in first):
        shortest = min(len(trajectory.token_ids) for trajectory in first)
        raise ConfigurationError(
            f"no prompt leaves room for a turn: policy {policy.name!r} has a context of "
            f"{policy.context_length} tokens, the shortest prompt has {shortest}, and a turn may "
            f"have {sampling.max_tokens}; lower max_tokens (rollout.max_tokens of a run), or take "
            "a policy with a longer context"
        )
    chains = [[trajectory] for trajectory in first]
    for number in range(1, attempts):
        going = [c for c in chains if not (c[-1].retrieval_failed or c[-1].overflowed)]
        following = [_next_attempt(chain[-1].episode, number) for chain in going]
        played = play(rules, policy, generator, following, sampling, max_rows=max_rows)
        for chain, trajectory in zip(going, played, strict=True):
            before = chain[-1].episode.id
            chain.append(replace(trajectory, attempt=number, previous=before))
    return [trajectory for chain in chains for trajectory in chain]


def _next_attempt(episode: Episode, number: int) -> Episode:
    """A fresh episode on the same question that has read the one before."""
    seed = int(np.random.SeedSequence([episode.seed, number]).generate_state(1, np.uint64)[0])
    return replace(
        episode,
        id=f"{episode.group_id}/{episode.member}/{number}",
        prompt=render_next_attempt(episode),
        seed=seed,
        steps=(),
        terminated=False,
        truncated=False,
    )


def play(
    rules: Rules,
    policy: Policy,
    generator: Generator,
    episodes: Sequence[Episode],
    sampling: Sampling,
    *,
    max_rows: int = 256,
) -> list[Trajectory]:
    """Play fresh episodes to their ends, as `rollout` does; their ids must differ."""
    player = Player(policy, generator, sampling)
    waiting = list(episodes)
    order = [episode.id for episode in waiting]
    finished: dict[str, Trajectory] = {}
    alive: list[Episode] = []
    while waiting or alive:
        room = max_rows - len(alive)
        alive, waiting = alive + waiting[:room], waiting[room:]
        alive = [episode for episode in alive if not _over(rules, player, episode, finished)]
        if alive:
            alive = advance(rules, alive, player.act(alive))
    return [finished[id] for id in order]


def _over(rules: Rules, player: Player, episode: Episode, finished: dict[str, Trajectory]) -> bool:
    """Whether the episode is done or full; its trajectory is then kept."""
    over = episode.done or not player.fits(episode)
    if over:
        finished[episode.id] = player.trajectory(rules, episode)
    return over


def planned_episodes(rules: Rules, plan: RolloutPlan) -> list[Episode]:
    """Fresh episodes of a plan. A question that occurs twice forms two groups."""
    episodes = []
    for place, question in enumerate(plan.questions):
        group_id = f"{plan.seed}/{place}/{question.id}"
        seed = int(np.random.SeedSequence([plan.seed, place]).generate_state(1, np.uint64)[0])
        episodes += [
            begin(rules, question, group_id=group_id, seed=seed, member=member)
            for member in range(plan.group_size)
        ]
    return episodes
