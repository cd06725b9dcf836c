"""The loop: what equals what, how it stops, and what is kept when it must not go on."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_policy import run_settings

from igs_agent import trainer
from igs_agent.checkpoint import newest_checkpoint
from igs_agent.cli import main
from igs_agent.config import TrainConfig
from igs_agent.config_file import load_config
from igs_agent.run import Run
from igs_agent.tracking import read_jsonl
from igs_agent.trainer import train
from igs_agent.update import NonFiniteUpdateError
from igs_agent.weights import WEIGHTS
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
    config = _config(tmp_path / "run", searcher_folder, "updates=4", "checkpoint.every=9")
    try:
        result = train(config, report=lines.append)
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.updates == 2
    assert any("--resume" in line for line in lines)
    newest = newest_checkpoint(tmp_path / "run" / "checkpoints")
    assert newest is not None
    assert newest.name == "update-000002"
    monkeypatch.setattr(trainer, "measure", measure)
    assert train(config, resume=True).updates == 4


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
    assert train(config).updates == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["rollout.questions=100000"], "there are only"),
        (["env.hops=7"], "no question has hops"),
        (["rollout.group_size=1"], "group"),
        (["policy=nowhere/at/all"], "neither a folder nor a model of the hub"),
        (["credit=ig_serch"], "did you mean 'ig_search'"),
    ],
)
def test_what_cannot_be_trained_ends_in_one_line(
    settings: list[str],
    message: str,
    tmp_path: Path,
    searcher_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["train", *run_settings(tmp_path / "run", searcher_folder), *settings]) == 2
    printed = capsys.readouterr().err.strip()
    assert message in printed
    assert "Traceback" not in printed


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
