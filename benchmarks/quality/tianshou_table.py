"""The tables and curves of `benchmarks.quality.tianshou`, from its committed rows.

python -m benchmarks.quality.tianshou_table   # writes docs/assets/tianshou.svg, prints the tables
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from igs_agent.statistics import seed_interval

Row = Mapping[str, Any]
RESULTS = Path(__file__).parent / "results" / "tianshou.json"
FIGURE = Path(__file__).parents[2] / "docs" / "assets" / "tianshou.svg"
ARMS = {False: "without", True: "with"}


def main() -> None:
    record = json.loads(RESULTS.read_text(encoding="utf-8"))
    print(table(record["rows"], record["baselines"]))
    draw(record["rows"], record["baselines"])


def table(rows: Sequence[Row], baselines: Mapping[str, Mapping[str, Any]]) -> str:
    """One line per preset and algorithm; differences with − without are paired by seed."""
    lines = [
        "| preset | algorithm | seeds | before | without gain | with gain | difference | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for preset, found in baselines.items():
        best = max(found["scripts"], key=found["scripts"].get)
        lines.append(f"| {preset} | random | 5 | | {said(found['random'])} | | | |")
        lines.append(
            f"| {preset} | search question, {best} | | | {found['scripts'][best]:.3f} | | | |"
        )
    for preset, name in dict.fromkeys((row["preset"], row["algorithm"]) for row in rows):
        ours = [row for row in rows if (row["preset"], row["algorithm"]) == (preset, name)]
        ends = {
            gain: {row["seed"]: row["curve"][-1][1] for row in ours if row["gain"] is gain}
            for gain in ARMS
        }
        both = sorted(ends[False].keys() & ends[True].keys())
        cells = (
            preset,
            name,
            "/".join(str(len(ends[gain])) for gain in ARMS),
            said([row["curve"][0][1] for row in ours]),
            said(list(ends[False].values())),
            said(list(ends[True].values())),
            said([ends[True][seed] - ends[False][seed] for seed in both], signed=True),
            f"{sum(row['seconds'] for row in ours) / len(ours):.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def said(values: Sequence[float], *, signed: bool = False) -> str:
    """Mean and Student's t interval over seeds, as far as there are seeds."""
    if not values:
        return "not run"
    form = "+.3f" if signed else ".3f"
    if len(values) == 1:
        return f"{values[0]:{form}}"
    found = seed_interval(values)
    return f"{found.mean:{form}} [{found.low:{form}}, {found.high:{form}}]"


def draw(rows: Sequence[Row], baselines: Mapping[str, Mapping[str, Any]]) -> None:
    """Success over environment steps: mean and interval per algorithm, a panel per preset."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "igs"
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(
        1, len(baselines), figsize=(5 * len(baselines), 3.6), squeeze=False
    )
    names = list(dict.fromkeys(row["algorithm"] for row in rows))
    for panel, (preset, found) in zip(panels[0], baselines.items(), strict=True):
        for number, name in enumerate(names):
            for gain, style in ((False, "--"), (True, "-")):
                curves = [
                    row["curve"]
                    for row in rows
                    if (row["preset"], row["algorithm"], row["gain"]) == (preset, name, gain)
                ]
                if curves:
                    _curve(panel, curves, f"C{number}", style, f"{name}, {ARMS[gain]} gain")
        panel.axhline(max(found["scripts"].values()), color="grey", linestyle=":", linewidth=1)
        panel.set(title=preset, xlabel="environment steps", ylabel="success", ylim=(0, 1))
    panels[0][0].legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(FIGURE, metadata={"Date": None})


def _curve(panel: Any, curves: Sequence[Any], color: str, style: str, label: str) -> None:
    points = list(zip(*curves, strict=True))
    steps = [point[0][0] for point in points]
    means = [sum(at[1] for at in point) / len(point) for point in points]
    panel.plot(steps, means, style, color=color, label=label, linewidth=1.2)
    if len(curves) > 1:
        bands = [seed_interval([at[1] for at in point]) for point in points]
        low, high = [band.low for band in bands], [band.high for band in bands]
        panel.fill_between(steps, low, high, color=color, alpha=0.1, linewidth=0)


if __name__ == "__main__":
    main()
