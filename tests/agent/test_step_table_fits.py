"""Methods that come later need nothing but a step table: each written as a user would write it."""

from __future__ import annotations

import torch
from torch import Tensor

from igs_agent.batch import Credit, StepTable, token_advantages
from igs_agent.credit import make_estimator
from igs_agent.credit.example import table
from igs_agent.credit.groups import centred, flat_group, returns_to_go, sample_std


def z_score(values: Tensor, group: Tensor, valid: Tensor) -> Tensor:
    return centred(values, group, valid) / (sample_std(values, group, valid) + 1e-6)


def tree_grpo(steps: StepTable) -> Credit:
    """z-score in the question plus z-score in the tree (arXiv 2509.21240)."""
    root = torch.arange(len(steps.group))
    for _ in root:
        root = torch.where(steps.parent[root] >= 0, steps.parent[root], root)
    advantage = z_score(steps.outcome, steps.group, steps.outcome_valid)
    advantage = advantage + z_score(steps.outcome, root, steps.outcome_valid)
    step = advantage[:, None] * steps.valid
    return Credit(step=step, query=torch.zeros_like(step))


def a2tgpo(steps: StepTable) -> Credit:
    """Gain z-scored per question and turn, summed, and a clip range by its size (2605.06200)."""
    gain, columns = steps.signal("gain"), steps.valid.shape[1]
    turn = torch.arange(columns).repeat(len(steps.group))
    peers = flat_group(steps.group, columns) * columns + turn
    where = gain.valid & steps.counted
    z = z_score(gain.values.reshape(-1), peers, where.reshape(-1)).reshape(gain.values.shape)
    terms = steps.valid.flip(1).cumsum(1).flip(1).clamp(min=1)
    step = returns_to_go(z, steps.valid, 1.0) / terms.sqrt()
    return Credit(step=step, query=torch.zeros_like(step), clip_scale=1 + 0.1 * torch.tanh(z))


def tips(steps: StepTable) -> Credit:
    """Φ_i − Φ_{i−1} with a teacher's potential, here the answer's log-probability (2603.22293)."""
    potential = steps.signal("answer_log_prob")
    following = torch.cat([potential.values[:, 1:], potential.values[:, -1:]], dim=1)
    shaped = torch.where(steps.valid & ~steps.last, following - potential.values, 0.0)
    shaped = shaped + steps.last * steps.outcome[:, None]
    step = returns_to_go(shaped, steps.counted, 1.0)
    return Credit(step=step, query=torch.zeros_like(step))


def step_search(steps: StepTable) -> Credit:
    """A search's gain in gold documents over the best so far (arXiv 2505.15107)."""
    found = steps.signal("found_gold")
    best = found.values.cummax(1).values
    before = torch.cat([torch.zeros_like(best[:, :1]), best[:, :-1]], dim=1)
    gained = torch.where(found.valid & steps.counted, (found.values - before).clamp(min=0), 0.0)
    return Credit(step=gained + steps.outcome[:, None] * steps.last, query=torch.zeros_like(gained))


def test_tree_grpo_reads_trees_from_parents() -> None:
    steps = table(outcome=[1, 0, 0, 0], group=[0] * 4, parent=[-1, 0, -1, 2])
    credit = make_estimator(tree_grpo)(steps)
    torch.testing.assert_close(
        credit.step[:, 0], torch.tensor([1.5 + 0.5**0.5, -0.5 - 0.5**0.5, -0.5, -0.5]).double(),
        atol=1e-5, rtol=0,
    )  # fmt: skip


def test_a2tgpo_scales_the_clip_range_of_each_step() -> None:
    steps = table(outcome=[0, 0], group=[0, 0], gain=[[1.0, 0.0], [-1.0, 0.0]])
    credit = make_estimator(a2tgpo)(steps)
    z = 1 / 2**0.5
    assert credit.clip_scale is not None
    torch.testing.assert_close(
        credit.step[0, 0], torch.tensor(z / 2**0.5).double(), atol=1e-5, rtol=0
    )
    assert credit.clip_scale[0, 0] > 1 > credit.clip_scale[1, 0]


def test_tips_telescopes_to_the_outcome_and_the_potentials_rise() -> None:
    steps = table(outcome=[1], group=[0], answer_log_prob=[[-3.0, -2.5, -0.5]])
    assert make_estimator(tips)(steps).step.tolist() == [[-0.5 + 3.0 + 1, -0.5 + 2.5 + 1, 1.0]]


def test_step_search_credits_a_document_once() -> None:
    steps = table(outcome=[1], group=[0], found_gold=[[1.0, 1.0, 0.0]])
    assert make_estimator(step_search)(steps).step.tolist() == [[1.0, 0.0, 1.0]]


def test_what_they_write_lands_on_tokens() -> None:
    steps = table(outcome=[1], group=[0], found_gold=[[1.0, 0.0]])
    index = torch.tensor([[-1, 0, 0, 1]])
    policy = torch.tensor([[False, True, False, True]])
    found = token_advantages(step_search(steps), index, policy, torch.zeros_like(policy))
    assert found.tolist() == [[0.0, 1.0, 0.0, 1.0]]
