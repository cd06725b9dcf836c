"""Ratios 1, 2 and 4: one pass for all contexts of the gain, against three other ways.

    python -m benchmarks.speed.gain

1: each counterfactual and real context written out, padded, one forward per step and branch, logits
only where needed. 2: the time of a plain forward × (tokens of the exact tree's branches / its own),
the floor that performance is held to. 4: IGPO's call pattern, the answer behind every turn's
context with logits at all tokens (arXiv 2510.14967), against real branches only.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from benchmarks.speed.ratio import Row, compare
from benchmarks.speed.shapes import DOCUMENTS, OUTPUT, block, random_policy, rollouts
from igs_agent.branches import Branches
from igs_agent.generation import Request, Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.generation.warm import WarmContexts
from igs_agent.policy import Policy, selected_log_probs
from igs_agent.scorer import PolicyScorer
from igs_agent.text_scorer import padded, token_log_probs
from igs_agent.trajectory import Trajectory
from igs_env.contexts import ScoreRequest
from igs_env.information_gain import LogProbs
from igs_env.types import Fragment

DRAWS = 3


def rows(
    *, members: int = 1, rounds: int = 3, output: int = OUTPUT, documents: int = DOCUMENTS
) -> list[Row]:
    """The three ratios for a group of so many members, three searches and an answer each.

    Over the rollout's keys and values, as training does while memory lasts, and without them.
    """
    policy = random_policy()
    group = rollouts(policy, members, output=output, documents=documents)
    requests = score_requests(policy, group, documents)
    left = kept(policy, group)
    naive = partial(_naive, policy, Branches(policy, group), group, requests)
    real = [request for request in requests if not request.replacements]
    igpo = partial(_igpo, policy, Branches(policy, group), group, real)
    expected, expected_real = naive(), igpo()
    found = []
    for name, warm in (("", left), (", all read again", None)):
        _equal(expected, _ours(policy, group, requests, warm), 1e-4)
        _equal(expected_real, _ours(policy, group, real, warm), 1e-4)
        found += _rows(policy, group, requests, naive, igpo, warm, name, rounds)
    return found


def _rows(
    policy: Policy,
    group: list[Trajectory],
    requests: list[ScoreRequest],
    naive: Callable[[], object],
    igpo: Callable[[], object],
    warm: WarmContexts | None,
    name: str,
    rounds: int,
) -> list[Row]:
    branches = Branches(policy, group)
    real = [request for request in requests if not request.replacements]
    total = sum(len(t.token_ids) for t in group)
    own = sum(len(branches.branch(request).ids) for request in requests)
    tokens = f"trajectories {total}, branches {own}, naive {_written(branches, group, requests)}"
    score = partial(_ours, policy, group, requests, warm)
    return [
        compare(
            1,
            f"naive padded forwards / one pass, N = 3{name}",
            naive,
            score,
            target=3.5,
            tokens=tokens,
            rounds=rounds,
        ),
        compare(
            2,
            f"one pass / plain forward × branch tokens / its tokens{name}",
            score,
            partial(_plain, policy, group),
            target=1.15,
            tokens=tokens,
            rounds=rounds,
            at_most=True,
            factor=total / own,
        ),
        compare(
            4,
            f"IGPO's padded pass per turn, logits everywhere / real branches in one pass{name}",
            igpo,
            partial(_ours, policy, group, real, warm),
            target=20,
            tokens=f"trajectories {total}, IGPO {_written(branches, group, real)}",
            rounds=rounds,
        ),
    ]


def kept(policy: Policy, group: list[Trajectory]) -> WarmContexts:
    """What the generator has of these rollouts when they are over: all but the last token."""
    warm = WarmContexts(limit=2**40)
    generator = NativeGenerator(policy, warm=warm)
    for trajectory in group:
        id, ids = trajectory.episode.id, trajectory.token_ids[:-1].tolist()
        generator.generate([Request(key=id, token_ids=ids, seed=0, turn=0)], Sampling(max_tokens=1))
        generator.release([id])
    return warm


def score_requests(
    policy: Policy, group: list[Trajectory], documents: int, *, draws: int = DRAWS
) -> list[ScoreRequest]:
    """The real context and `draws` counterfactual ones of every search."""
    rng = np.random.default_rng(7)
    return [
        ScoreRequest(
            episode=trajectory.episode,
            step=step,
            target=trajectory.episode.question.answers[0],
            probe="<answer> ",
            probe_end=" </answer>",
            replacements=replacements,
        )
        for trajectory in group
        for step in range(len(trajectory.turns) - 1)
        for replacements in (
            {},
            *({step: Fragment(documents=block(policy, rng, documents))} for _ in range(draws)),
        )
    ]


def _ours(
    policy: Policy,
    group: list[Trajectory],
    requests: list[ScoreRequest],
    warm: WarmContexts | None,
) -> list[LogProbs]:
    scorer = PolicyScorer(policy, group, max_tokens=65_536, warm=warm)
    return scorer.token_log_probs(requests)


def _contexts(
    branches: Branches, group: list[Trajectory], requests: list[ScoreRequest]
) -> list[tuple[list[int], slice]]:
    by_id = {trajectory.episode.id: trajectory for trajectory in group}
    found = []
    for request in requests:
        branch = branches.branch(request)
        before = by_id[request.episode.id].token_ids[: branch.at].tolist()
        target = slice(branch.at + branch.target.start, branch.at + branch.target.stop)
        found.append((before + branch.ids, target))
    return found


def _written(branches: Branches, group: list[Trajectory], requests: list[ScoreRequest]) -> int:
    return sum(len(ids) for ids, _ in _contexts(branches, group, requests))


def _naive(
    policy: Policy, branches: Branches, group: list[Trajectory], requests: list[ScoreRequest]
) -> list[LogProbs]:
    """One padded forward per step and branch over the group."""
    contexts = _contexts(branches, group, requests)
    each = len(contexts) // len(group)
    found: dict[int, LogProbs] = {}
    for number in range(each):
        chosen = range(number, len(contexts), each)
        scored = token_log_probs(
            policy, [contexts[i][0] for i in chosen], [contexts[i][1] for i in chosen]
        )
        found.update(zip(chosen, scored, strict=True))
    return [found[index] for index in range(len(contexts))]


@torch.no_grad()
def _igpo(
    policy: Policy, branches: Branches, group: list[Trajectory], requests: list[ScoreRequest]
) -> list[LogProbs]:
    contexts = _contexts(branches, group, requests)
    each = len(contexts) // len(group)
    found: dict[int, LogProbs] = {}
    for number in range(each):
        chosen = range(number, len(contexts), each)
        ids = padded([np.array(contexts[i][0]) for i in chosen], policy.device)
        logits = policy.model(input_ids=ids, use_cache=False).logits.float()
        for row, index in enumerate(chosen):
            target = contexts[index][1]
            scored = selected_log_probs(logits[row], ids[row].roll(-1), 1.0)
            found[index] = scored[target.start - 1 : target.stop - 1].double().cpu().numpy()
    return [found[index] for index in range(len(contexts))]


@torch.no_grad()
def _plain(policy: Policy, group: list[Trajectory]) -> None:
    for trajectory in group:
        policy.hidden_states(
            input_ids=torch.from_numpy(trajectory.token_ids)[None].to(policy.device),
            use_cache=False,
        )


def _equal(theirs: list[LogProbs], ours: list[LogProbs], tolerance: float) -> None:
    error = max(float(np.abs(a - b).max()) for a, b in zip(theirs, ours, strict=True))
    assert error < tolerance, f"outputs differ by {error}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=int, default=OUTPUT)
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    torch.set_num_threads(1)
    rows(**vars(parser.parse_args()))
