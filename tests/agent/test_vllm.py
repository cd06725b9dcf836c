"""A real vLLM process: the same greedy tokens, pushed weights, and training through it.

Runs where `vllm` is on the PATH or the environment variable IGS_VLLM names the command; vLLM pins
a torch of its own and lives in an environment of its own.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch

from igs_agent.config_file import load_config
from igs_agent.generation import Sampling
from igs_agent.generation.contract import Generator
from igs_agent.generation.native import NativeGenerator
from igs_agent.generation.server import ServerGenerator
from igs_agent.policy import Policy, load_policy, tiny_path
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.tracking import read_jsonl
from igs_agent.trainer import train
from igs_agent.trajectory import Trajectory
from igs_env.task import make_task

COMMAND = os.environ.get("IGS_VLLM") or shutil.which("vllm")
STARTS_WITHIN = 300.0

pytestmark = pytest.mark.skipif(
    COMMAND is None, reason="no vllm command: install vLLM and set IGS_VLLM to it"
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    log = tmp_path_factory.mktemp("vllm") / "log"
    command = f"{COMMAND} serve {tiny_path()} --host 127.0.0.1 --port {port} --dtype float32"
    more = "--max-model-len 1024 --max-num-seqs 64 --enforce-eager"
    settings = {
        "VLLM_SERVER_DEV_MODE": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    if not torch.cuda.is_available():
        settings["VLLM_TARGET_DEVICE"] = "cpu"
    with (
        log.open("w") as out,
        subprocess.Popen(
            [*command.split(), *more.split()],
            stdout=out,
            stderr=out,
            env={**os.environ, **settings},
        ) as process,
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(address, process, log)
            yield address
        finally:
            process.terminate()


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            httpx.get(f"{address}/health", trust_env=False)
        except httpx.TransportError:
            time.sleep(1.0)
        else:
            return
    pytest.fail(f"vLLM did not start:\n{log.read_text()[-3000:]}")


def played(policy: Policy, generator: Generator) -> list[Trajectory]:
    task = make_task(protocol="plain", top_k=1, max_searches=3, split="dev", sampler="none")
    plan = RolloutPlan(questions=task.questions[:12], group_size=1, seed=5)
    return rollout(task.rules, policy, generator, plan, Sampling(temperature=0, max_tokens=40))


def agreement(ours: list[Trajectory], theirs: list[Trajectory]) -> int:
    pairs = zip(ours, theirs, strict=True)
    return sum(a.token_ids.tolist() == b.token_ids.tolist() for a, b in pairs)


def test_greedy_rollouts_are_those_of_the_native_generator_up_to_near_ties(url: str) -> None:
    policy = load_policy("tiny", device="cpu")
    theirs = played(policy, ServerGenerator(policy, url))
    ours = played(policy, NativeGenerator(policy))
    assert agreement(ours, theirs) >= 10
    for a, b in zip(ours, theirs, strict=True):
        if a.token_ids.tolist() == b.token_ids.tolist():
            np.testing.assert_allclose(a.log_probs, b.log_probs, atol=1e-3)


def test_pushed_weights_are_what_is_sampled_from(url: str, tmp_path: Path) -> None:
    """Tied weights too: without its own tensor vLLM's output layer would stay the old one."""
    policy = load_policy("tiny", device="cpu")
    generator = ServerGenerator(policy, url, weights=tmp_path / "weights")
    try:
        with torch.no_grad():
            for parameter in policy.model.parameters():
                parameter.add_(torch.randn_like(parameter) * parameter.std() * 0.2)
        assert generator.push_weights() < 1e-3
        assert agreement(played(policy, NativeGenerator(policy)), played(policy, generator)) >= 10
    finally:
        ServerGenerator(load_policy("tiny"), url, weights=tmp_path / "first").push_weights()


def test_training_through_it(url: str, tmp_path: Path) -> None:
    settings = [f"run={tmp_path / 'run'}", f"rollout.server={url}", "updates=2", "seed=7"]
    small = ["rollout.questions=2", "rollout.group_size=4", "evaluation.questions=4"]
    train(load_config("tiny-atlas", [*settings, *small, "rollout.temperature=1.0"]), report=None)
    rows = list(read_jsonl(tmp_path / "run" / "metrics.jsonl"))
    gaps = [row["rollout/server_gap"] for row in rows if "rollout/server_gap" in row]
    assert len(gaps) == 2
    assert max(gaps) < 1e-3
