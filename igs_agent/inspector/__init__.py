"""The episode inspector: a run's episodes, token by token, in a page."""

from igs_agent.inspector.filters import FILTERS, Filter
from igs_agent.inspector.inspector import Inspector, open_inspector
from igs_agent.inspector.server import InspectorServer
from igs_agent.inspector.static_page import write_page

__all__ = ["FILTERS", "Filter", "Inspector", "InspectorServer", "open_inspector", "write_page"]
