"""`igs report`: one or several runs as a page that can be mailed."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

from igs_env.errors import missing_package


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument(
        "runs",
        nargs="+",
        type=Path,
        metavar="RUN",
        help="run folders; those that differ in the seed only are one group, and every group is "
        "compared with the first",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the page (default: report.html in the run's folder; with several runs, here)",
    )
    parser.add_argument(
        "--svg", type=Path, metavar="FOLDER", help="also write every figure there as an SVG file"
    )


def run(args: argparse.Namespace) -> int:
    """Write the page and print what may be claimed."""
    for package in ("matplotlib", "jinja2", "scipy"):
        if find_spec(package) is None:
            raise missing_package(package, extra="report", purpose="igs report")
    from igs_agent.reporting import make_report, write_figures, write_report

    report = make_report(args.runs)
    target = args.output or Path(args.runs[0] if len(args.runs) == 1 else ".") / "report.html"
    size = write_report(report, target)
    for problem in report.missing:
        print(f"note: {problem}")
    for claim in report.claims:
        print(f"{claim.question} {claim.text}")
    print(f"\nreport in {target}, {size / 1e6:.1f} MB")
    if args.svg:
        print(f"{write_figures(report, args.svg)} figures in {args.svg}")
    return 0
