"""Your own credit estimator; `PYTHONPATH=examples igs train credit=06_own_estimator:centred`."""

from __future__ import annotations

import torch

from igs_agent.credit import Credit, StepTable, make_estimator
from igs_agent.credit.example import table


def centred(steps: StepTable) -> Credit:
    """GRPO's advantage, plus 0.3 × how far a search's gain lies above the batch's mean."""
    gain = steps.signal("gain")
    measured = gain.valid & steps.counted
    above = torch.where(measured, gain.values - gain.values[measured].mean(), 0.0)
    return Credit(step=make_estimator("grpo")(steps).step, query=0.3 * above)


centred.signals = ("gain",)  # type: ignore[attr-defined]  # what the trainer must measure

credit = make_estimator(centred)(table(outcome=[0, 0], group=[0, 0], gain=[[2.0], [1.0]]))
print("added on queries:", credit.query.tolist())
assert credit.query.tolist() == [[0.3 * 0.5], [0.3 * -0.5]]
