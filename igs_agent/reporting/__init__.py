"""What runs show: a page of figures, intervals and what may be claimed. Reads run folders only."""

from igs_agent.reporting.report import (
    Report,
    leave_report,
    make_report,
    write_figures,
    write_report,
)

__all__ = ["Report", "leave_report", "make_report", "write_figures", "write_report"]
