"""What a terminal shows of a run."""

from __future__ import annotations

import io
import re

from rich.console import Console

from igs_agent.tracking import LinesTracker, Tracker, terminal_tracker
from igs_agent.tracking.live import LiveTracker

METRICS = {
    "rollout/exact_match": 0.25,
    "rollout/f1": 0.3,
    "rollout/reward": 0.275,
    "rollout/searches": 1.5,
    "rollout/valid_actions": 0.96,
    "rollout/tokens": 600.0,
    "gain/log_prob_real": -1.25,
    "gain/log_prob_counterfactual": -2.5,
    "groups/all_fail_share": 0.4,
    "groups/all_pass_share": 0.1,
    "update/grad_norm": 0.821,
    "gain/forward_tokens": 1234.0,
}


def report(tracker: Tracker) -> None:
    tracker.metrics(0, {"eval/exact_match": 0.125, "eval/recall": 0.5})
    tracker.metrics(0, METRICS)
    tracker.episodes(0, [])
    tracker.timings(0, {"rollout": 2.0, "gain": 0.5, "update": 0.5})
    tracker.metrics(1, {**METRICS, "rollout/reward": 0.5})
    tracker.timings(1, {"rollout": 1.0})
    tracker.close()


def test_plain_lines_say_how_it_goes_and_how_long_it_will_take() -> None:
    lines: list[str] = []
    report(LinesTracker(11, write=lines.append))
    assert lines[0] == "evaluation after 0 updates  EM 0.125  recall 0.500"
    assert lines[1] == (
        "EM 0.250  F1 0.300  reward 0.275  real -1.25  counterfactual -2.50  all fail 0.40  "
        "all pass 0.10  searches 1.50  valid 0.96  gradient 0.821  gain tokens 1,234  "
        "update 1/11  3.0 s (rollout 2.0, gain 0.5, update 0.5)  200 tokens/s  left 0:30"
    )
    assert lines[2].endswith("update 2/11  1.0 s (rollout 1.0)  600 tokens/s  left 0:18")
    assert len(lines) == 3


def test_a_stream_that_is_no_terminal_gets_plain_lines() -> None:
    stream = io.StringIO()
    report(terminal_tracker(11, stream=stream))
    assert stream.getvalue().count("\n") == 3
    assert "\x1b" not in stream.getvalue()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_numbers_phases_progress_and_time_left(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = _Terminal()
    tracker = terminal_tracker(11, stream=stream)
    assert isinstance(tracker, LiveTracker)
    report(tracker)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    last = text[text.rindex("update 2/11") :]
    for shown in (
        "left 0:18",
        "EM 0.250",
        "F1 0.300",
        "reward 0.500 ↑",
        "real -1.25",
        "counterfactual -2.50",
        "all fail 0.40",
        "all pass 0.10",
        "searches 1.50",
        "valid 0.96",
        "gradient 0.821",
        "gain tokens 1,234",
        "600 tokens/s",
        "rollout 1.0 s",
        "evaluation after 0 updates  EM 0.125",
    ):
        assert shown in last, last


def test_a_terminal_that_cannot_be_redrawn_gets_plain_lines(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(terminal_tracker(1, stream=_Terminal()), LinesTracker)


def test_the_bar_counts_what_was_done_before_a_resume() -> None:
    console = Console(file=_Terminal(), force_terminal=True, width=100)
    tracker = LiveTracker(10, done=5, console=console)
    tracker.close()
    assert "update 5/10" in console.file.getvalue()  # type: ignore[attr-defined]
