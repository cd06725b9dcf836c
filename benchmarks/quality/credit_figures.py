"""Figures of the credit benchmark: learning curves, and scores by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from benchmarks.quality.credit_run import Row
from benchmarks.quality.credit_tuning import short
from igs_agent.statistics import seed_interval

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "credit"
from matplotlib import pyplot as plt  # noqa: E402  (after the backend is chosen)

CONTROLS = ("oracle", "placebo", "query_only", "every_search")
"""Drawn dashed."""
COLOURS = {
    "grpo": "black",
    "ig_search": "tab:blue",
    "document_belief": "tab:orange",
    "oracle": "tab:green",
    "placebo": "tab:purple",
    "every_search": "tab:red",
    "gigpo": "tab:brown",
    "dr_grpo": "tab:gray",
    "query_only": "tab:pink",
    "igpo": "tab:olive",
    "document_outcome": "tab:cyan",
    "document_value": "gold",
}
"""The same in every figure; others, such as one's own, get matplotlib's."""


def curves_figure(own: Mapping[str, Sequence[Row]], path: Path) -> None:
    """Dev EM over updates: mean over seeds, with its Student's t interval."""
    figure, axes = plt.subplots(figsize=(7, 4.5))
    for method in sorted(own, key=lambda name: -np.mean([row.curve[-1][1] for row in own[name]])):
        runs, name = own[method], method.split()[0]
        updates = [update for update, _ in runs[0].curve]
        ems = np.array([[em for _, em in row.curve] for row in runs])
        # Dotted: a method with other settings than its tuned ones, beside the method itself.
        style = "--" if name in CONTROLS else ":" if method != name else "-"
        label = f"{short(method)} ({len(runs)})"
        (line,) = axes.plot(updates, ems.mean(0), style, color=COLOURS.get(name), label=label)
        if len(runs) > 1:
            bounds = [seed_interval(column.tolist()) for column in ems.T]
            low, high = [b.low for b in bounds], [b.high for b in bounds]
            axes.fill_between(updates, low, high, color=line.get_color(), alpha=0.08)
    axes.set(xlabel="updates", ylabel="dev EM, mean over seeds", ylim=(0, 1))
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    _save(figure, path)


def scores_figure(
    own: Mapping[str, Sequence[Row]],
    means: Mapping[str, tuple[float, float, float]],
    path: Path,
) -> None:
    """Test EM of every seed, and the interquartile mean with its interval."""
    figure, axes = plt.subplots(figsize=(7, 0.45 * len(own) + 1))
    methods = sorted(own, key=lambda name: -np.mean([row.test_em for row in own[name]]))
    for place, method in enumerate(methods):
        runs = own[method]
        axes.plot([row.test_em for row in runs], [place] * len(runs), "o", color="0.7", ms=4)
        if method in means:
            point, low, high = means[method]
            axes.plot([low, high], [place, place], color="C0", lw=2)
            axes.plot([point], [place], "|", color="C0", ms=14, mew=2)
    axes.set_yticks(range(len(methods)), list(map(short, methods)))
    axes.invert_yaxis()
    axes.set(xlabel="test EM: seeds, interquartile mean and 95 % interval", xlim=(0, 1))
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
