"""Rollouts: a policy plays episodes, and what comes out is token-exact trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from igs_agent.generation import Completion, Generator, Request, Sampling
from igs_agent.policy import Policy
from igs_agent.trajectory import Provenance, Trajectory, Turn, check
from igs_env.transition import Rules, advance, begin, reward
from igs_env.types import Episode, Question, Search


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPlan:
    """Which episodes to play."""

    questions: Sequence[Question]
    group_size: int
    """Rollouts per question."""
    seed: int
    """Of the whole batch; every row's draws follow from it, its question and its member."""


@dataclass(slots=True)
class _Live:
    """An episode that is being played, with its tokens so far."""

    episode: Episode
    ids: list[int]
    provenance: list[int]
    log_probs: list[float]
    turns: list[Turn] = field(default_factory=list)


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
    """
    waiting = [_start(rules, policy, episode) for episode in planned_episodes(rules, plan)]
    order = [live.episode.id for live in waiting]
    finished: dict[str, Trajectory] = {}
    alive: list[_Live] = []
    while waiting or alive:
        room = max_rows - len(alive)
        alive, waiting = alive + waiting[:room], waiting[room:]
        alive = _drop_overflowed(rules, policy, generator, alive, sampling, finished)
        if not alive:
            continue
        completions = generator.generate([_request(live) for live in alive], sampling)
        outputs = [policy.decode(completion.token_ids) for completion in completions]
        episodes = advance(rules, [live.episode for live in alive], outputs)
        for live, episode, completion in zip(alive, episodes, completions, strict=True):
            _append(policy, live, episode, completion)
        done = [live for live in alive if live.episode.done]
        generator.release(live.episode.id for live in done)
        finished.update((live.episode.id, _trajectory(rules, live)) for live in done)
        alive = [live for live in alive if not live.episode.done]
    return [finished[id] for id in order]


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


def _start(rules: Rules, policy: Policy, episode: Episode) -> _Live:
    ids = policy.encode_prompt(episode.prompt)
    return _Live(episode, ids, [Provenance.PROMPT] * len(ids), [0.0] * len(ids))


def _request(live: _Live) -> Request:
    # Members of a group share the episode's seed; their own draws must differ.
    return Request(
        key=live.episode.id, token_ids=live.ids, seed=_row_seed(live.episode), turn=len(live.turns)
    )


def _row_seed(episode: Episode) -> int:
    return int(
        np.random.SeedSequence([episode.seed, episode.member]).generate_state(1, np.uint64)[0]
    )


def _append(policy: Policy, live: _Live, episode: Episode, completion: Completion) -> None:
    """Put a turn's output and observation behind the tokens so far."""
    step = episode.steps[-1]
    observed = policy.encode(step.observation) if step.observation else []
    start = len(live.ids)
    end = start + len(completion.token_ids)
    query = (start, start)
    if isinstance(step.action, Search) and step.searched:
        left, right = token_span(policy, completion.token_ids, step.action.span)
        query = (start + left, start + right)
    live.ids += [*completion.token_ids, *observed]
    live.log_probs += [*completion.log_probs, *[0.0] * len(observed)]
    live.provenance += [Provenance.POLICY] * len(completion.token_ids)
    live.provenance += [Provenance.ENVIRONMENT] * len(observed)
    live.episode = episode
    live.turns.append(
        Turn(
            start=start,
            end=end,
            observation_end=len(live.ids),
            query=query,
            finish=completion.finish,
        )
    )


def token_span(policy: Policy, ids: Sequence[int], span: tuple[int, int]) -> tuple[int, int]:
    """The tokens `[left, right)` that hold the characters `[start, end)` of their decoded text.

    Found on the sampled tokens themselves: a prefix of the tokens decodes to a prefix of the
    text, up to an unfinished character, which decodes to a replacement of length 1 or more and
    is never shorter than what it stands for.
    """
    start, end = span
    lengths = [len(policy.decode(ids[: count + 1])) for count in range(len(ids))]
    left = next(index for index, length in enumerate(lengths) if length > start)
    right = next(index for index, length in enumerate(lengths) if length >= end) + 1
    return left, right


def _drop_overflowed(
    rules: Rules,
    policy: Policy,
    generator: Generator,
    alive: list[_Live],
    sampling: Sampling,
    finished: dict[str, Trajectory],
) -> list[_Live]:
    """End episodes whose next turn might not fit in the model's context."""
    limit = policy.context_length - sampling.max_tokens
    over = [live for live in alive if len(live.ids) > limit]
    generator.release(live.episode.id for live in over)
    for live in over:
        live.episode = replace(live.episode, truncated=True)
        finished[live.episode.id] = replace(_trajectory(rules, live), overflowed=True)
    return [live for live in alive if len(live.ids) <= limit]


def _trajectory(rules: Rules, live: _Live) -> Trajectory:
    trajectory = Trajectory(
        episode=live.episode,
        token_ids=np.array(live.ids, dtype=np.int64),
        provenance=np.array(live.provenance, dtype=np.int8),
        log_probs=np.array(live.log_probs, dtype=np.float32),
        turns=tuple(live.turns),
        reward=reward(rules, live.episode) if live.episode.steps else 0.0,
    )
    check(trajectory)
    return trajectory
