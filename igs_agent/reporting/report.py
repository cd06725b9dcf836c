"""A report of runs: read, grouped, judged, drawn, written."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from igs_agent.reporting.claim import Claim
from igs_agent.reporting.failures import failures
from igs_agent.reporting.figure import standalone
from igs_agent.reporting.groups import Group, group_runs
from igs_agent.reporting.load import read_run
from igs_agent.reporting.overview import claims, comparison, costs, missing, set_up
from igs_agent.reporting.page import render
from igs_agent.reporting.section import Section
from igs_agent.reporting.settings import word
from igs_agent.reporting.shown import shown
from igs_agent.reporting.training import learning, searching, silent_groups, updating
from igs_agent.reporting.worth import gains
from igs_agent.tracking.contract import RunFolderError

FILE = "report.html"
"""Name of a run's own report, in its folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that the page shows."""

    title: str
    subtitle: str
    claims: tuple[Claim, ...]
    sections: tuple[Section, ...]
    missing: tuple[str, ...]

    def html(self) -> str:
        """The page."""
        return render(self.title, self.subtitle, self.claims, self.sections, self.missing)


def make_report(folders: Sequence[Path]) -> Report:
    """The report of one run, or of several compared.

    Raises:
        RunFolderError: a folder that is not there, or holds nothing of a run.
    """
    groups, left_out = group_runs([read_run(folder) for folder in folders])
    compared = comparison(groups)
    return Report(
        title=" and ".join(group.label for group in groups)
        if len(groups) > 1
        else groups[0].runs[0].name,
        subtitle="; ".join(map(_about, groups)),
        claims=tuple(claims(groups)),
        sections=(
            learning(groups),
            *([compared] if compared else []),
            gains(groups),
            costs(groups),
            failures(groups),
            silent_groups(groups),
            searching(groups),
            updating(groups),
            set_up(groups),
        ),
        missing=tuple(missing(groups, left_out)),
    )


def write_report(report: Report, target: Path) -> int:
    """Write the page; its size in bytes. The file appears when it is complete.

    Raises:
        RunFolderError: it cannot be written.
    """
    return _write(target, report.html(), "--output")


def write_figures(report: Report, folder: Path) -> int:
    """Write every figure as an SVG file of its own; how many there are.

    Raises:
        RunFolderError: one cannot be written.
    """
    panels = [panel for section in report.sections for panel in section.panels]
    for panel in panels:
        _write(folder / f"{panel.name}.svg", standalone(panel), "--svg")
    return len(panels)


def leave_report(run: Path) -> Path | None:
    """Write a run's report into its folder; None where the extra `report` is not installed.

    Raises:
        RunFolderError: as of `make_report` and `write_report`.
    """
    if not all(find_spec(package) for package in ("matplotlib", "jinja2", "scipy")):
        return None
    write_report(make_report([run]), run / FILE)
    return run / FILE


def _about(group: Group) -> str:
    known = group.settings
    policy, world = known.get("policy.path"), known.get("env.questions") or "atlas"
    told = f"{group.label}: {group.seeds}"
    return shown(f"{told}, policy {word(policy)} on {word(world)}" if policy else told)


def _write(target: Path, text: str, option: str) -> int:
    partial = target.with_name(f"{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(target)
        return target.stat().st_size
    except OSError as error:
        raise RunFolderError(
            f"{target} could not be written: {error}; choose another place with {option}"
        ) from error
    finally:
        with suppress(OSError):  # where nothing can be written, nothing is there
            partial.unlink()
