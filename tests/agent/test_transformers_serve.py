"""A real `transformers serve` process, on a CPU: it is judged by its text and refused for training.

Runs where `openai` is installed, which `transformers serve` imports.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from igs_agent.cli import main
from igs_agent.evaluation import evaluate, read_evaluation
from igs_agent.generation.endpoint import ServerError
from igs_agent.generation.native import NativeGenerator
from igs_agent.generation.server import ServerGenerator
from igs_agent.policy import load_policy, tiny_path
from igs_agent.run import subset
from igs_env.task import make_task

STARTS_WITHIN = 240.0

pytestmark = pytest.mark.skipif(
    find_spec("openai") is None, reason="transformers serve needs openai: pip install openai"
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    folder = tmp_path_factory.mktemp("serve")
    start = "from transformers.cli.transformers import main; main()"
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    settings = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(folder), "OMP_NUM_THREADS": "1"}
    with (
        (folder / "log").open("w") as out,
        subprocess.Popen(
            [sys.executable, "-c", start, "serve", str(tiny_path()), *options],
            stdout=out,
            stderr=out,
            env={**os.environ, **settings},
        ) as process,
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(address, process, folder / "log")
            yield address
        finally:
            process.kill()


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            httpx.get(f"{address}/health", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.5)
        else:
            return
    pytest.fail(f"transformers serve did not start:\n{log.read_text()[-3000:]}")


def test_greedy_answers_through_it_are_those_of_the_native_generator(
    url: str, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    ways = ["--template", "plain", "--protocol", "plain", "--top-k", "1", "--max-searches", "3"]
    named = ["--model", str(tiny_path()), "--limit", "6", "--max-tokens", "40"]
    assert main(["eval", "--policy", url, *named, *ways, "--output", str(rows)]) == 0
    theirs = read_evaluation(rows)
    task = make_task(protocol="plain", top_k=1, max_searches=3, split="dev", sampler="none")
    policy = load_policy("tiny", device="cpu")
    asked = subset(task.questions, 6)
    ours = evaluate(task.rules, policy, NativeGenerator(policy), asked, max_tokens=40)
    pairs = list(zip(theirs.rows, ours.rows, strict=True))
    # Text goes there and not tokens: where the two cut words differently, so may the answers.
    assert sum(a.answer == b.answer and a.searches == b.searches for a, b in pairs) >= 5
    assert all(a.question_id == b.question_id for a, b in pairs)
    assert all(a.policy_tokens for a, _ in pairs)


def test_it_is_refused_for_training_since_it_returns_no_tokens(url: str) -> None:
    with pytest.raises(ServerError):
        ServerGenerator(load_policy("tiny", device="cpu"), url)
