"""The verbs of the agent, run as a user would, on a small real run."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest
from small_policy import WORLD, run_settings

from igs_agent.cli import main
from igs_agent.cli.trained_with import trained_with
from igs_agent.evaluation import read_evaluation


def igs(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Standard output of a call that ends well."""
    status = main([str(argument) for argument in arguments])
    found = capsys.readouterr()
    assert status == 0, found.err
    return found.out


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The message of a call that is refused."""
    status = main([str(argument) for argument in arguments])
    found = capsys.readouterr()
    assert status == 2
    assert "Traceback" not in found.err
    return found.err


def test_a_dry_run_prints_the_settings_and_what_they_amount_to_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, searcher_folder: Path
) -> None:
    out = igs(capsys, "train", "--dry-run", *run_settings(tmp_path / "run", searcher_folder))
    settings = tomllib.loads(out)
    assert settings["rollout"]["group_size"] == 3
    assert re.search(r"# policy .* 0\.1 M parameters, 0\.1 M of them trained \(all trained\)", out)
    assert "225 to train on, 6 of 25 dev questions per evaluation" in out
    assert "9 rollouts of at most about" in out
    assert not (tmp_path / "run").exists()


def test_a_dry_run_counts_what_lora_trains(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, searcher_folder: Path
) -> None:
    settings = run_settings(tmp_path / "run", searcher_folder, "policy.lora_rank=1")
    assert "0.0 M of them trained (LoRA)" in igs(capsys, "train", "--dry-run", *settings)


def test_a_dry_run_is_a_configuration_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, searcher_folder: Path
) -> None:
    first = igs(capsys, "train", "--dry-run", *run_settings(tmp_path / "run", searcher_folder))
    (tmp_path / "config.toml").write_text(first)
    assert igs(capsys, "train", "--dry-run", "--config", tmp_path / "config.toml") == first


def test_training_reports_and_a_finished_run_can_be_prolonged(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, small_run: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    out = igs(capsys, "train", "--resume", f"run={run}", "updates=3")
    assert re.search(r"update 3/3  [\d.]+ s \(rollout", out)
    assert re.search(r"3 updates; EM 0\.\d+ \[.*\], n = 6 before, .* after 3; the run is in", out)
    cost = r"information gain, N = 3: [\d,]+ tokens \(\d+%\) and [\d.]+ s \(\d+%\) per update"
    assert re.search(cost, out)


def test_a_folder_that_holds_a_run_is_not_overwritten(
    capsys: pytest.CaptureFixture[str], small_run: Path, searcher_folder: Path
) -> None:
    before = (small_run / "metrics.jsonl").read_bytes()
    message = refused(capsys, "train", *run_settings(small_run, searcher_folder))
    assert "already holds a run; go on with it by --resume" in message
    assert (small_run / "metrics.jsonl").read_bytes() == before


def test_a_mistake_in_the_settings_ends_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, "train", "optim.learning_rat=1")
    assert message.startswith("ConfigurationError: no setting 'optim.learning_rat' (did you mean")
    assert message.count("\n") == 1


def test_a_run_is_evaluated_in_the_form_that_it_was_trained_in(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, small_run: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    out = igs(capsys, "eval", "--policy", run, "--limit", 5, "--device", "cpu")
    assert re.search(r"^\| all \| 5 \| \d\.\d{3} \[", out, re.MULTILINE)
    assert f"on {WORLD} (dev), greedy" in out
    (path,) = (run / "evaluations").glob("*.jsonl")
    assert path.name == "fiction-documents-200-facts-1-words-0-hops-1-2-seed-3-dev.jsonl"
    rows = read_evaluation(path).rows
    assert len(rows) == 5
    assert {row.dataset for row in rows} == {WORLD}
    # 32 tokens per turn as in training, not 64; max_searches 3 gives 6 steps.
    assert max(row.policy_tokens for row in rows if row.truncated) == 32 * (3 + 3)


def test_two_runs_are_compared_by_the_evaluations_that_both_have(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, small_run: Path
) -> None:
    runs = [tmp_path / name for name in ("a", "b")]
    for run, temperature in zip(runs, (0, 1), strict=True):
        shutil.copytree(small_run, run)
        igs(capsys, "eval", "--policy", run, "--limit", 5, "--temperature", temperature)
    out = igs(capsys, "compare", *runs)
    assert re.search(r"\| EM \| 5 \| [\d.]+ \| [\d.]+ \| [+-][\d.]+ \[", out)
    files = [next((run / "evaluations").glob("*")) for run in runs]
    assert out == igs(capsys, "compare", *files)


def test_runs_without_a_common_evaluation_are_refused_with_what_there_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, small_run: Path
) -> None:
    message = refused(capsys, "compare", small_run, tmp_path)
    assert "have no evaluation of one name; run igs eval --policy on both" in message


def test_shuffled_documents_are_a_control_with_rows_of_its_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, small_run: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    drawn = ("--temperature", 1, "--samples", 2, "--limit", 10)
    out = igs(capsys, "eval", "--policy", run, "--shuffled-documents", *drawn)
    assert "temperature 1, 2 per question, seed 0, documents of other questions" in out
    (path,) = (run / "evaluations").glob("*-shuffled.jsonl")
    evaluation = read_evaluation(path)
    assert (len(evaluation.rows), evaluation.interval("exact_match").n) == (20, 10)
    assert evaluation.mean("searches") > 0
    assert evaluation.mean("recall") < 0.1


def test_a_question_of_ones_own_shows_the_episode(
    capsys: pytest.CaptureFixture[str], small_run: Path
) -> None:
    out = igs(capsys, "ask", "Name the maker of The Distant Dahav.", "--policy", small_run)
    assert "Name the maker of The Distant Dahav." in out
    assert "Step 1" in out
    assert "gold" not in out


def test_an_empty_question_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "the question is empty" in refused(capsys, "ask", " ")


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(
    capsys: pytest.CaptureFixture[str], small_run: Path, limit: int
) -> None:
    message = refused(capsys, "eval", "--policy", small_run, "--limit", limit)
    assert "--limit must be at least 1" in message


def test_a_run_without_a_checkpoint_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, small_run: Path
) -> None:
    shutil.copy(small_run / "config.toml", tmp_path)
    message = refused(capsys, "eval", "--policy", tmp_path)
    assert "has no checkpoint that could be used" in message


def test_what_a_policy_was_trained_with_is_found_from_run_and_checkpoint(small_run: Path) -> None:
    known = trained_with(str(small_run))
    assert (known.env["protocol"], known.max_tokens) == ("plain", 32)
    checkpoint = next((small_run / "checkpoints").iterdir())
    assert trained_with(str(checkpoint)) == known
    assert trained_with("some/hub-name").env == {}
