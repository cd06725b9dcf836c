"""`igs doctor --profile`: an update measured, settings tried, one of them advised."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_policy import run_settings

from igs_agent.config_file import load_config
from igs_agent.doctor.profile import Knob, Phase, Profile, profile, profile_report


def measured(*knobs: Knob) -> Profile:
    phases = (
        Phase(name="rollout", seconds=6.0, tokens=600),
        Phase(name="gain", seconds=3.0, tokens=3000),
        Phase(name="update", seconds=1.0, tokens=500),
    )
    return Profile(phases=phases, knobs=knobs)


def test_the_knob_that_helps_most_is_named_with_its_price() -> None:
    found = measured(
        Knob(setting="credit.counterfactuals=1", seconds=8.0, price="a noisier gain"),
        Knob(setting="optim.autocast=true", seconds=9.0, price=""),
    )
    text = profile_report(found)
    assert "one update takes 10.0 s" in text
    assert "60%" in text
    assert "1,000 /s" in text  # 3,000 tokens in 3 s
    assert "-20%   (a noisier gain)" in text
    assert text.endswith("would help most: credit.counterfactuals=1")


def test_what_helps_by_less_than_noise_is_not_advised() -> None:
    found = measured(Knob(setting="optim.autocast=true", seconds=9.8, price=""))
    assert found.advice is None
    assert "right for this machine" in profile_report(found)


def test_an_update_of_a_real_run_is_measured_and_leaves_nothing_behind(
    tmp_path: Path, searcher_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: torch.get_num_threads())
    config = load_config(None, run_settings(tmp_path / "run", searcher_folder))
    found = profile(config)
    assert [phase.name for phase in found.phases] == ["rollout", "gain", "update"]
    assert all(phase.seconds > 0 and phase.tokens > 0 for phase in found.phases)
    assert {knob.setting.partition("=")[0] for knob in found.knobs} == {
        "optim.autocast",
        "optim.batch_tokens",
        "credit.counterfactuals",
    }
    assert not list(tmp_path.iterdir())
