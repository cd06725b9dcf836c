"""Where a run's numbers go: JSONL files always, a terminal, W&B when asked."""

from igs_agent.tracking.contract import RunFolderError, Tracker
from igs_agent.tracking.jsonl import FILES, JsonlTracker, read_jsonl, write_jsonl
from igs_agent.tracking.lines import LinesTracker
from igs_agent.tracking.terminal import terminal_tracker
from igs_agent.tracking.weights_and_biases import WandbTracker

__all__ = [
    "FILES",
    "JsonlTracker",
    "LinesTracker",
    "RunFolderError",
    "Tracker",
    "WandbTracker",
    "read_jsonl",
    "terminal_tracker",
    "write_jsonl",
]
