"""Which runs a report takes together, and what it calls them."""

from __future__ import annotations

from pathlib import Path

from synthetic_runs import make_run

from igs_agent.reporting.curves import update_curve
from igs_agent.reporting.groups import group_runs
from igs_agent.reporting.load import read_run


def labels(*folders: Path) -> list[str]:
    groups, _ = group_runs([read_run(folder) for folder in folders])
    return [group.label for group in groups]


def test_seed_place_and_record_keeping_make_no_other_experiment(tmp_path: Path) -> None:
    folders = [
        make_run(
            tmp_path / f"elsewhere-{seed}",
            seed=seed,
            edit=lambda text: text.replace("wandb = false", "wandb = true"),
        )
        for seed in range(2)
    ]
    groups, _ = group_runs([read_run(f) for f in (make_run(tmp_path / "a", seed=7), *folders)])
    assert [len(group.runs) for group in groups] == [3]


def test_a_group_is_called_after_the_setting_that_tells_it_apart(tmp_path: Path) -> None:
    first = make_run(tmp_path / "a")
    second = make_run(
        tmp_path / "b", edit=lambda text: text.replace("group_size = 8", "group_size = 4")
    )
    assert labels(first, second) == ["group_size 8", "group_size 4"]
    third = make_run(tmp_path / "c", credit="mine")
    assert labels(first, third) == ["grpo", "mine"]
    assert labels(first, second, third) == [
        "group_size 8, grpo",
        "group_size 4, grpo",
        "group_size 8, mine",
    ]


def test_groups_that_differ_in_much_are_called_after_their_folders(tmp_path: Path) -> None:
    long = "a question file with a name that is far too long for a legend.jsonl"
    first = make_run(tmp_path / "mine-0")
    second = make_run(
        tmp_path / "theirs-0",
        edit=lambda text: text.replace('questions = "none"', f'questions = "{long}"'),
    )
    assert labels(first, second) == ["mine", "theirs"]


def test_a_run_without_settings_is_a_group_of_its_own(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / name) for name in ("one", "two")]
    for folder in folders:
        (folder / "config.toml").unlink()
    assert labels(*folders) == ["one", "two"]


def test_a_seed_that_has_just_begun_does_not_take_the_curves_away(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / f"run-{n}", seed=n, planned=9, updates=9) for n in range(2)]
    late = make_run(tmp_path / "run-2", seed=2, planned=9, updates=3)
    (group,), left_out = group_runs([read_run(folder) for folder in (*folders, late)])
    assert left_out == ["run-2 has 3 updates where others of its group have 9, and was left out"]
    curve = update_curve(group, "rollout/recall")
    assert curve is not None
    assert len(curve.points) == 9
    assert curve.band == "95 % over 2 seeds"
