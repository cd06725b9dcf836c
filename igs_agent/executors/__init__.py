"""Where a training run's ranks are, and what they tell each other.

A rank is a process that runs the trainer's loop: it plays and scores its share of an update's
episodes, gathers those of the others, and computes the gradient of its share of their tokens.
`local` is one process; `torchrun` starts ranks on this machine, or finds itself started by
torchrun on many; `ray` places them over a Ray cluster.
"""

from igs_agent.executors.contract import Executor
from igs_agent.executors.local import LOCAL, LocalExecutor
from igs_agent.executors.spread import spread

__all__ = ["LOCAL", "Executor", "LocalExecutor", "spread"]
