"""TRL: its GRPO trainer with this project's rollouts and credit, and the environment as tools."""

from igs_agent.adapters.trl.library import checked_trl

# Before torch, accelerate and datasets, which come with it.
checked_trl()

from igs_agent.adapters.trl.environment import SearchEnvironment  # noqa: E402
from igs_agent.adapters.trl.questions import question_dataset, tool_dataset  # noqa: E402
from igs_agent.adapters.trl.trainer import IGGRPOTrainer  # noqa: E402

__all__ = ["IGGRPOTrainer", "SearchEnvironment", "question_dataset", "tool_dataset"]
