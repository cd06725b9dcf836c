"""The page's parts about training: learning curves, groups, searching, the update."""

from __future__ import annotations

from collections.abc import Sequence

from igs_agent.reporting.curves import Curve, bin_width, evaluation_curve, update_curve
from igs_agent.reporting.figure import Panel
from igs_agent.reporting.groups import Group
from igs_agent.reporting.plots import curves_panel
from igs_agent.reporting.section import Section

Metric = tuple[str, str, str]
"""(name, title, what it is)."""

_EVALUATED: tuple[Metric, ...] = (
    ("exact_match", "Exact match, evaluation questions", "Greedy answers, 0 to 1"),
    ("f1", "F1, evaluation questions", "Greedy answers, token F1, 0 to 1"),
)
_ROLLOUTS: tuple[Metric, ...] = (
    ("rollout/exact_match", "Exact match, rollouts", "Sampled answers to training questions"),
    ("rollout/reward", "Reward, rollouts", "What the policy is trained on"),
)
_GROUPS: tuple[Metric, ...] = (
    (
        "groups/all_fail_share",
        "All-fail share",
        "Rollouts in groups whose rewards are all equal and not above 0",
    ),
    (
        "groups/all_pass_share",
        "All-pass share",
        "Rollouts in groups whose rewards are all equal and above 0",
    ),
)
_SEARCHING: tuple[Metric, ...] = (
    ("rollout/recall", "Recall of gold documents", "Share of the hops whose document was found"),
    ("rollout/searches", "Searches per episode", "Carried out"),
    ("rollout/valid_actions", "Valid actions", "Share of steps with a usable search or answer"),
    ("rollout/truncated", "Without an answer", "Share of episodes that ended without one"),
    ("rollout/policy_tokens", "Tokens per episode", "Written by the policy"),
    ("query/length", "Tokens per query", "|Q| of the paper's equation 4"),
)
_UPDATE: tuple[Metric, ...] = (
    ("update/kl", "KL, nats per token", "From the policy that sampled, k3"),
    ("update/clip_share", "Clip share", "Trained tokens whose gradient the clip takes away"),
    ("update/grad_norm", "Gradient norm", "Before clipping"),
    ("update/entropy", "Entropy, nats per token", "Estimated by −log π of the sampled tokens"),
)


def learning(groups: Sequence[Group]) -> Section:
    """Scores over the updates."""
    panels, absent = [], []
    for name, title, what in _EVALUATED:
        curves = [c for group in groups if (c := evaluation_curve(group, name)) is not None]
        if curves:
            note = f"{what}. {_bands(curves)}"
            panels.append(curves_panel(f"eval-{name}", title, note, curves, floor=0))
        else:
            absent.append(f"{title}: no evaluation is on record")
    rollouts, missing = _panels(groups, _ROLLOUTS)
    return Section(
        id="learning",
        title="Did it learn?",
        lead="Evaluations play the same questions every time, greedily. Rollouts are sampled, on "
        "other questions at each update, so their curves go up and down with the questions.",
        panels=(*panels, *rollouts),
        absent=(*absent, *missing),
    )


def silent_groups(groups: Sequence[Group]) -> Section:
    """Groups in which outcomes give no gradient."""
    return _section(
        groups,
        _GROUPS,
        id="groups",
        title="How often did outcomes say nothing?",
        lead="Where all rollouts of a question fail, or all succeed, an advantage that compares "
        "outcomes is 0. The gain still has something to say there.",
    )


def searching(groups: Sequence[Group]) -> Section:
    """How the policy goes about it."""
    return _section(
        groups,
        _SEARCHING,
        id="searching",
        title="How did it search?",
        lead="Means over the rollouts of an update. More searches without more recall is padding.",
    )


def updating(groups: Sequence[Group]) -> Section:
    """Whether the optimiser is well."""
    return _section(
        groups,
        _UPDATE,
        id="updates",
        title="Was the update stable?",
        lead="KL or gradient norm that run away mean a learning rate that is too high; entropy "
        "near 0 means that the policy no longer tries anything.",
    )


def _section(
    groups: Sequence[Group], metrics: Sequence[Metric], *, id: str, title: str, lead: str
) -> Section:
    panels, absent = _panels(groups, metrics)
    return Section(id=id, title=title, lead=lead, panels=tuple(panels), absent=tuple(absent))


def _panels(groups: Sequence[Group], metrics: Sequence[Metric]) -> tuple[list[Panel], list[str]]:
    panels, absent = [], []
    for name, title, what in metrics:
        if name == "rollout/reward" and all(map(_reward_is_match, groups)):
            continue
        curves = [curve for group in groups if (curve := update_curve(group, name)) is not None]
        if curves:
            note = f"{what}. {_averaged(groups)}{_bands(curves)}"
            panels.append(curves_panel(name.replace("/", "-"), title, note, curves, floor=0))
        without = [g.label for g in groups if g.label not in {c.label for c in curves}]
        if without:
            absent.append(f"{title}: {name} is not on record for {', '.join(without)}")
    return panels, absent


def _reward_is_match(group: Group) -> bool:
    """The curve of exact match shows the reward too."""
    rows = [row for run in group.runs for row in run.updates.values()]
    return all(row.get("rollout/reward") == row.get("rollout/exact_match") for row in rows)


def _bands(curves: Sequence[Curve]) -> str:
    bands = dict.fromkeys(curve.band for curve in curves if curve.band)
    return f"Bands: {'; '.join(bands)}." if bands else ""


def _averaged(groups: Sequence[Group]) -> str:
    updates = max((max(run.updates, default=0) + 1 for g in groups for run in g.runs), default=1)
    width = bin_width(updates)
    return f"Each point is the mean of {width} updates. " if width > 1 else ""
