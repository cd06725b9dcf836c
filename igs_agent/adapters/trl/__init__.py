"""TRL: its GRPO trainer with this project's rollouts and credit, and the environment as tools."""

from igs_agent.adapters.trl.environment import SearchEnvironment
from igs_agent.adapters.trl.questions import question_dataset, tool_dataset
from igs_agent.adapters.trl.trainer import IGGRPOTrainer

__all__ = ["IGGRPOTrainer", "SearchEnvironment", "question_dataset", "tool_dataset"]
