"""The loop: what equals what, how it stops, and what is kept when it must not go on."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from faults import folder_of_an_ordinary_user, no_file_larger_than, read_only
from small_policy import run_settings

from igs_agent import run_evaluation, trainer
from igs_agent.checkpoint import newest_checkpoint, policy_source
from igs_agent.cli import main
from igs_agent.config import TrainConfig
from igs_agent.config_file import load_config
from igs_agent.evaluation import Evaluation
from igs_agent.policy import load_policy
from igs_agent.run import Run
from igs_agent.tracking import read_jsonl
from igs_agent.trainer import train
from igs_agent.update import NonFiniteUpdateError
from igs_agent.weights import WEIGHTS, write_weights
from igs_env.errors import ConfigurationError


def _config(run: Path, policy: Path, *more: str) -> TrainConfig:
    return load_config(None, run_settings(run, policy, *more))


def test_the_same_seed_writes_the_same_metrics_byte_for_byte(
    tmp_path: Path, searcher_folder: Path
) -> None:
    for name in ("one", "two"):
        train(_config(tmp_path / name, searcher_folder))
    train(_config(tmp_path / "other", searcher_folder, "seed=1"))
    metrics = {
        name: (tmp_path / name / "metrics.jsonl").read_bytes() for name in ("one", "two", "other")
    }
    assert metrics["one"] == metrics["two"] != metrics["other"]
    weights = [
        (tmp_path / name / "checkpoints" / "update-000002" / WEIGHTS).read_bytes()
        for name in ("one", "two")
    ]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("credit", ["igpo", "gigpo", "mt_grpo", "placebo", "query_only", "oracle"])
def test_every_estimator_gets_what_it_reads_and_trains(
    credit: str, tmp_path: Path, searcher_folder: Path
) -> None:
    train(_config(tmp_path / "run", searcher_folder, f"credit={credit}", "updates=1"))
    (row,) = [r for r in read_jsonl(tmp_path / "run" / "metrics.jsonl") if "update/loss" in r]
    measures = credit in ("igpo", "placebo")
    assert (row["gain/forward_tokens"] > 0) == measures


def test_without_a_weight_on_the_gain_it_is_grpo(tmp_path: Path, searcher_folder: Path) -> None:
    train(_config(tmp_path / "grpo", searcher_folder, "credit=grpo"))
    train(_config(tmp_path / "zero", searcher_folder, "credit.options.alpha=0.0"))
    last = [tmp_path / n / "checkpoints" / "update-000002" / WEIGHTS for n in ("grpo", "zero")]
    assert last[0].read_bytes() == last[1].read_bytes()


def test_without_a_sampler_no_gain_is_measured_and_it_is_grpo(
    tmp_path: Path, searcher_folder: Path
) -> None:
    train(_config(tmp_path / "grpo", searcher_folder, "credit=grpo"))
    train(_config(tmp_path / "none", searcher_folder, "credit.sampler=none"))
    last = [tmp_path / n / "checkpoints" / "update-000002" / WEIGHTS for n in ("grpo", "none")]
    assert last[0].read_bytes() == last[1].read_bytes()
    rows = read_jsonl(tmp_path / "none" / "metrics.jsonl")
    assert {row["gain/forward_tokens"] for row in rows if "update/loss" in row} == {0.0}


def test_ctrl_c_finishes_the_update_saves_and_says_how_to_go_on(
    tmp_path: Path, searcher_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    measure = trainer.measure

    def interrupted(run: Run, *rest: object) -> object:
        if run.state.update == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return measure(run, *rest)  # type: ignore[arg-type]

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(trainer, "measure", interrupted)
    often = ("updates=4", "checkpoint.every=9", "evaluation.every=9")
    config = _config(tmp_path / "run", searcher_folder, *often)
    result = train(config, report=lines.append)
    assert signal.getsignal(signal.SIGINT) is before
    assert (result.updates, result.evaluated) == (2, 0)
    assert "stopped after 2 updates; go on with" in lines[-1]
    assert f"igs train --resume run={tmp_path / 'run'}" in lines[-1]
    newest = newest_checkpoint(tmp_path / "run" / "checkpoints")
    assert newest is not None
    assert newest.name == "update-000002"
    monkeypatch.setattr(trainer, "measure", measure)
    resumed = train(config, resume=True)
    assert (resumed.updates, resumed.evaluated) == (4, 4)
    assert resumed.first == result.first
    calm = train(_config(tmp_path / "calm", searcher_folder, *often))
    assert (calm.first, calm.last) == (resumed.first, resumed.last)
    rows = [(tmp_path / name / "metrics.jsonl").read_bytes() for name in ("run", "calm")]
    assert rows[0] == rows[1]


def test_a_second_ctrl_c_stops_at_once_and_the_run_can_go_on(
    tmp_path: Path, searcher_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = trainer.measure

    def interrupted(run: Run, *rest: object) -> object:
        if run.state.update == 1:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        return measure(run, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(trainer, "measure", interrupted)
    run = tmp_path / "run"
    assert main(["train", *run_settings(run, searcher_folder)]) == 130
    monkeypatch.setattr(trainer, "measure", measure)
    assert main(["train", "--resume", f"run={run}"]) == 0


def test_a_loss_that_is_not_finite_stops_with_its_batch_saved(
    tmp_path: Path, searcher_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token_batch = trainer.token_batch

    def poisoned(*arguments: object) -> object:
        batch = token_batch(*arguments)  # type: ignore[arg-type]
        return replace(batch, advantages=batch.advantages * float("nan"))

    monkeypatch.setattr(trainer, "token_batch", poisoned)
    with pytest.raises(NonFiniteUpdateError, match="update 0: the loss is nan"):
        train(_config(tmp_path / "run", searcher_folder))
    saved = torch.load(tmp_path / "run" / "bad-batch-0.pt", weights_only=True)
    assert torch.isnan(saved["advantages"]).any()
    assert saved["ids"].shape == saved["advantages"].shape


def test_a_run_that_no_longer_gets_better_stops(tmp_path: Path, searcher_folder: Path) -> None:
    config = _config(
        tmp_path / "run",
        searcher_folder,
        "updates=9",
        "evaluation.patience=2",
        "optim.learning_rate=1e-12",
    )
    # Nothing is learned at this rate: the evaluations at 0, 1 and 2 are all there is.
    lines: list[str] = []
    assert train(config, report=lines.append).updates == 2
    assert lines == [
        "stopped after 2 updates: no better EM in the last 2 evaluations (evaluation.patience)"
    ]


def test_the_best_policy_is_kept_however_the_run_goes_on(
    tmp_path: Path, searcher_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EM .1 at first, then .5, .3 and .5 again: what came first is the best."""
    scores = iter([0.1, 0.5, 0.3, 0.5])
    evaluate = run_evaluation.evaluate

    def scored(*arguments: object, **options: object) -> Evaluation:
        found = evaluate(*arguments, **options)  # type: ignore[arg-type]
        score = next(scores)
        return Evaluation(rows=tuple(replace(row, exact_match=score) for row in found.rows))

    monkeypatch.setattr(run_evaluation, "evaluate", scored)
    result = train(_config(tmp_path / "run", searcher_folder, "updates=3", "checkpoint.every=9"))
    assert result.last.mean("exact_match") == pytest.approx(0.5)
    assert [path.name for path in (tmp_path / "run" / "best").iterdir()] == ["update-000001"]
    assert policy_source(str(tmp_path / "run")).endswith("best/update-000001")
    newest = newest_checkpoint(tmp_path / "run" / "checkpoints")
    assert newest is not None
    assert newest.name == "update-000003"


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (5_000, r"episodes\.jsonl could not be written: .* free space, then go on with"),
        (300_000, r"the disk of .* is full .* earlier checkpoints are untouched"),
    ],
)
def test_a_full_disk_ends_in_one_line_and_a_resume_loses_nothing(
    size: int,
    message: str,
    tmp_path: Path,
    searcher_folder: Path,
    small_run: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whether rows or a checkpoint are cut off: the end is that of a run that had the space."""
    run = tmp_path / "run"
    with no_file_larger_than(size):
        assert main(["train", *run_settings(run, searcher_folder)]) == 2
    printed = capsys.readouterr().err.strip()
    assert re.search(message, printed)
    assert f"igs train --resume run={run}" in printed
    assert "\n" not in printed
    assert main(["train", "--resume", f"run={run}"]) == 0
    for name in ("metrics.jsonl", "episodes.jsonl", f"checkpoints/update-000002/{WEIGHTS}"):
        assert (run / name).read_bytes() == (small_run / name).read_bytes(), name


def test_a_read_only_run_folder_ends_in_one_line(
    searcher_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = run_settings(Path("nowhere"), searcher_folder)
    assert main(["train", "--dry-run", *settings]) == 0  # reads what only root may read
    capsys.readouterr()
    policy = load_policy(searcher_folder)
    with folder_of_an_ordinary_user() as folder:
        write_weights(policy, folder / "policy")
        settings = run_settings(folder / "run", folder / "policy")
        with read_only(folder):
            assert main(["train", *settings]) == 2
        printed = capsys.readouterr().err.strip()
        assert "cannot be written: [Errno 13] Permission denied" in printed
        assert "choose another with run=" in printed
        assert "\n" not in printed
        train(load_config(None, [*settings, "updates=1"]), report=None)
        with read_only(folder / "run" / "checkpoints"):
            assert main(["train", "--resume", f"run={folder / 'run'}", "updates=2"]) == 2
        printed = capsys.readouterr().err.strip()
        assert "cannot be written to (Permission denied); make it writable" in printed
        assert "\n" not in printed
        again = load_config(None, [*settings, "updates=2"])
        assert train(again, resume=True, report=None).updates == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["rollout.questions=100000"], "there are only"),
        (["env.hops=7"], "no question has hops"),
        (["rollout.group_size=1"], "group"),
        (["policy=nowhere/at/all"], "neither a folder nor a model of the hub"),
        (["credit=ig_serch"], "did you mean 'ig_search'"),
        (["credit.aliases=all"], "no credit.aliases 'all'; choose from: best, first, logsumexp"),
        (["rollout.questions=1"], "rollout.questions must be at least 2 for credit 'ig_search'"),
        (["rollout.max_tokens=600"], "reads no more than 512"),
        (["policy.device=cuda:99"], "'cuda:99' is not there"),
        (["policy.template=chat"], "its tokenizer has no chat template"),
        (["env.questions=empty.jsonl", "env.corpus=none"], "give at least one question"),
        (["run=empty.jsonl/run"], "cannot be written: [Errno 20] Not a directory"),
    ],
)
def test_what_cannot_be_trained_ends_in_one_line(
    settings: list[str],
    message: str,
    tmp_path: Path,
    searcher_folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.jsonl").touch()
    assert main(["train", *run_settings(tmp_path / "run", searcher_folder), *settings]) == 2
    printed = capsys.readouterr().err.strip()
    assert message in printed
    assert "\n" not in printed
    assert [path.name for path in tmp_path.iterdir()] == ["empty.jsonl"]


def test_a_run_is_not_started_over(tmp_path: Path, searcher_folder: Path) -> None:
    config = _config(tmp_path / "run", searcher_folder, "updates=1")
    train(config)
    with pytest.raises(ConfigurationError, match="--resume"):
        train(config)


def test_without_a_report_nothing_is_shown(
    tmp_path: Path, searcher_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    train(_config(tmp_path / "run", searcher_folder, "updates=1"), report=None)
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("", "")


def test_a_training_from_the_command_line_ends_with_its_report(
    tmp_path: Path, searcher_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    settings = run_settings(run, searcher_folder, "updates=1", "evaluation.questions=2")
    assert main(["train", *settings]) == 0
    assert f"what they allow one to claim: {run / 'report.html'}" in capsys.readouterr().out
    assert "One seed: nothing can be claimed" in (run / "report.html").read_text(encoding="utf-8")
