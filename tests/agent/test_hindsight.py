"""Leave-one-out: what the end of an episode owes to one of its searches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_transfer import played

from igs_agent.hindsight import leave_one_out
from igs_agent.policy import Policy
from igs_agent.scorer import PolicyScorer
from igs_agent.text_scorer import CausalLMScorer
from igs_env.contexts import ScoreRequest
from igs_env.counterfactual import OtherQuestionsSampler
from igs_env.errors import ConfigurationError


@pytest.mark.parametrize("left_out", [0, 1])
def test_it_is_the_difference_at_the_last_search_with_one_searchs_documents_replaced(
    policy: Policy, left_out: int
) -> None:
    trajectories = played(policy)
    sampler = OtherQuestionsSampler()
    (row, *_) = leave_one_out(trajectories, PolicyScorer(policy, trajectories), sampler)
    assert row[2] is None  # the answer is no search
    batch = [t.episode for t in trajectories]
    fragments = sampler.sample(batch[0], left_out, draws=3, batch=batch)
    request = ScoreRequest(
        episode=batch[0],
        step=1,
        target=batch[0].question.answers[0],
        probe="<answer> ",
        probe_end=" </answer>",
    )
    requests = [request, *(replace(request, replacements={left_out: f}) for f in fragments)]
    # The text as a whole, tokenised anew: nothing is shared with the packed pass.
    real, *others = [row.mean() for row in CausalLMScorer(policy).token_log_probs(requests)]
    assert row[left_out] == pytest.approx(real - np.mean(others), abs=1e-4)


def test_documents_that_refine_blocks_were_written_about_are_not_replaced_afterwards(
    policy: Policy,
) -> None:
    trajectories = played(policy, "autorefine")
    with pytest.raises(ConfigurationError, match="refine"):
        leave_one_out(trajectories, PolicyScorer(policy, trajectories), OtherQuestionsSampler())
