"""Ranks end where one process does, move their checkpoints, and come back when one is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
import updates_on_ranks
from scripted_generator import ScriptedGenerator
from small_policy import run_settings
from small_world import small_task

from benchmarks.quality.kills import ranks_under
from igs_agent.config import TrainConfig
from igs_agent.config_file import load_config
from igs_agent.credit import make_estimator
from igs_agent.executors import LOCAL
from igs_agent.executors.packing import balanced
from igs_agent.gains import measure_gains
from igs_agent.generation import Sampling
from igs_agent.policy import Policy, load_policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import TokenBatch, step_table, token_batch
from igs_agent.tracking import read_jsonl
from igs_agent.trainer import TrainResult, train
from igs_env.counterfactual import OtherQuestionsSampler
from igs_env.errors import IGSearchError

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")

# Ray's workers import what they run, so that it must be on their path.
PYTHONPATH = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
ON_RAY = """
import sys
import updates_on_ranks
from igs_agent.config import ExecutorConfig
from igs_agent.executors.ray import cluster, on_ranks
settings = ExecutorConfig(name="ray", ranks=2)
with cluster(settings, quiet=False):
    on_ranks(settings, updates_on_ranks.on_ray, sys.argv[1])
"""


def recorded_batches(policy: Policy) -> list[tuple[TokenBatch, list[int]]]:
    """Two batches of four groups of three, of unequal lengths; in the last group all fail."""
    task = small_task("plain")
    batches = []
    for start in (0, 4):
        questions = task.questions[start : start + 4]

        def script(key: str, turn: int, questions: Any = questions) -> str:
            place, member = int(key.split("/")[1]), int(key.rpartition("/")[2])
            if turn <= member and place:
                return f"<search> {'the founder of ' * (1 + place)}Port {member} {turn} </search>"
            right = member == place
            return f"<answer> {questions[place].answers[0] if right else 'nothing'} </answer>"

        plan = RolloutPlan(questions=questions, group_size=3, seed=start)
        played = rollout(
            task.rules, policy, ScriptedGenerator(policy, script), plan, Sampling(max_tokens=64)
        )
        scorer = PolicyScorer(policy, played)
        measured = measure_gains(played, scorer, OtherQuestionsSampler(), draws=2)
        table = step_table(measured)
        credit = make_estimator("ig_search")(table)
        batches.append((token_batch(measured, table, credit), table.group.tolist()))
    return batches


@pytest.fixture(scope="module")
def recorded(policy: Policy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a policy, its batches, and where one process ends."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("ranks") / "recorded"
    updates_on_ranks.write_recorded(folder, policy, recorded_batches(policy))
    updates_on_ranks.save(folder, "local", LOCAL)
    return folder


@pytest.fixture(scope="module")
def two_ray_workers(recorded: Path) -> Path:
    """The same folder, where two workers of a Ray cluster ended too."""
    pytest.importorskip("ray", reason="ray is not installed: pip install 'ig-search-gym[ray]'")
    subprocess.run(
        [sys.executable, "-c", ON_RAY, str(recorded)],
        check=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": PYTHONPATH},
    )
    return recorded


@pytest.fixture(scope="module")
def two_ranks(recorded: Path) -> Path:
    """The same folder, where two ranks ended too."""
    subprocess.run(
        [*TORCHRUN, updates_on_ranks.__file__, str(recorded)],
        check=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return recorded


def ended(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(folder / f"{name}.pt", weights_only=True)
    return found


def distance(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """‖θ − θ'‖ / ‖θ‖ over all parameters."""
    assert one.keys() == other.keys()
    apart = sum(float((one[name] - other[name]).double().square().sum()) for name in one)
    return float((apart / sum(float(t.double().square().sum()) for t in one.values())) ** 0.5)


@pytest.mark.parametrize(
    ("name", "started"),
    [("parallel", "two_ranks"), ("sharded", "two_ranks"), ("ray", "two_ray_workers")],
)
def test_twenty_updates_on_two_ranks_end_where_one_process_does(
    name: str, started: str, request: pytest.FixtureRequest, policy: Policy
) -> None:
    folder: Path = request.getfixturevalue(started)
    local, ranks = ended(folder, "local"), ended(folder, name)
    start = dict(policy.model.state_dict())
    moved = distance(start, local["parameters"])
    apart = distance(local["parameters"], ranks["parameters"])
    assert moved > 1e-3
    assert apart <= 1e-6
    for one, other in zip(local["stats"], ranks["stats"], strict=True):
        assert other["tokens"] == one["tokens"]
        for number in ("loss", "grad_norm", "kl", "ref_kl", "entropy"):
            assert other[number] == pytest.approx(one[number], rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("name", ["parallel", "sharded"])
def test_the_optimiser_s_state_is_that_of_one_process_whatever_its_layout(
    name: str, two_ranks: Path
) -> None:
    local, ranks = ended(two_ranks, "local")["optimizer"], ended(two_ranks, name)["optimizer"]
    assert ranks["param_groups"] == local["param_groups"]
    for number, of in local["state"].items():
        assert float(ranks["state"][number]["step"]) == float(of["step"]) == 2 * 20
        for moment in ("exp_avg", "exp_avg_sq"):
            # Two ranks add in another order; a moment of rounding errors is compared with the rest.
            torch.testing.assert_close(
                ranks["state"][number][moment],
                of[moment],
                rtol=1e-3,
                atol=1e-5 * float(of[moment].abs().max()),
            )


def test_rows_are_shared_by_tokens_and_none_is_lost() -> None:
    tokens = [700, 10, 20, 300, 5, 5, 5, 400, 900, 30]
    for ranks in (1, 2, 3, 7):
        parts = balanced(tokens, ranks)
        assert [row for part in parts for row in part] == list(range(len(tokens)))
        most = max(sum(tokens[row] for row in part) for part in parts)
        assert most <= sum(tokens) / ranks + max(tokens)


def rows_of(run: Path) -> list[dict[str, Any]]:
    path = run / "metrics.jsonl"
    return list(read_jsonl(path)) if path.exists() else []


@pytest.mark.slow
def test_a_run_moves_from_sharded_ranks_to_one_process_and_back_to_ranks(
    tmp_path: Path, searcher_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    run = tmp_path / "run"
    ranks = ("executor=torchrun", "executor.ranks=2")

    def go(updates: int, *more: str, resume: bool = True) -> TrainResult:
        settings = run_settings(run, searcher_folder, f"updates={updates}", *more)
        config = load_config(None, [*settings, "evaluation.every=0", "evaluation.questions=2"])
        return train(config, resume=resume, report=None)

    assert go(1, *ranks, "executor.shard=true", resume=False).updates == 1
    # One process reads what shards were saved from, and its folder is a plain model folder.
    assert load_policy(run / "checkpoints" / "update-000001").name
    assert go(2).updates == 2
    assert go(4, *ranks, "checkpoint.every=1").updates == 4
    updates = [row["update"] for row in rows_of(run) if "update/loss" in row]
    assert updates == [0, 1, 2, 3]
    episodes = [(row["update"], row["id"]) for row in read_jsonl(run / "episodes.jsonl")]
    assert len(episodes) == len(set(episodes)) == 4 * 9
    state = torch.load(run / "checkpoints/update-000004/training.pt", weights_only=True)
    assert {float(of["step"]) for of in state["optimizer"]["state"].values()} == {4.0}


def kill_rank_1(metrics: Path) -> int:
    """Rows of metrics when it was killed, which is soon after the first."""
    while not metrics.exists() or not metrics.read_bytes():
        time.sleep(0.01)
    (rank_1,) = (pid for pid, rank in ranks_under(os.getpid()) if rank == 1)
    os.kill(rank_1, signal.SIGKILL)
    return metrics.read_bytes().count(b"\n")


@pytest.mark.slow
def test_ray_and_torchrun_play_and_train_the_same_run_and_a_lost_rank_changes_no_byte_of_it(
    tmp_path: Path, searcher_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def config_of(executor: str) -> TrainConfig:
        settings = run_settings(tmp_path / executor, searcher_folder, "updates=6")
        more = ["evaluation.every=3", f"executor={executor}", "executor.ranks=2"]
        return load_config(None, [*settings, *more])

    assert train(config_of("ray"), report=None).updates == 6
    with ThreadPoolExecutor(1) as thread:
        killed = thread.submit(kill_rank_1, tmp_path / "torchrun" / "metrics.jsonl")
        assert train(config_of("torchrun"), report=None).updates == 6
        assert killed.result(timeout=1) in (1, 2, 3, 4, 5, 6)
    assert all("seconds/publish" in row for row in read_jsonl(tmp_path / "ray" / "timings.jsonl"))
    last = "checkpoints/update-000006/model.safetensors"
    for name in ("metrics.jsonl", "episodes.jsonl", last):
        one, other = (tmp_path / of / name for of in ("ray", "torchrun"))
        assert one.read_bytes() == other.read_bytes(), name


def test_what_a_rank_cannot_do_is_one_error_and_no_restart(
    tmp_path: Path, searcher_folder: Path
) -> None:
    settings = run_settings(tmp_path / "run", searcher_folder, "executor=torchrun")
    config = load_config(None, [*settings, "executor.ranks=1", "rollout.questions=100000"])
    with pytest.raises(IGSearchError, match="there are only"):
        train(config, report=None)
