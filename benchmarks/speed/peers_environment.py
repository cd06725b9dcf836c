"""Ratio 9, beside the peers: a step of 64 episodes without retrieval, ours and theirs in turn.

    python -m benchmarks.speed.peers_environment --peers runs/peers/bin/python \
        --output benchmarks/speed/results/peers_environment.json

Retrieval answers at once with the same three passages. gem 0.1 and skyrl-gym 0.4 are stepped one
episode after the other, as their interfaces have it; ours is the native vector environment with
every key of its info, scoring off. verifiers 0.4 has no step of an environment: it plays a whole
episode against a model's endpoint, so there is nothing to compare. `benchmarks/peers/README.md`
has the set-up.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from pathlib import Path

import gymnasium as gym
import numpy as np

import igs_env  # noqa: F401 - registers the environments
from benchmarks.machine import machine
from igs_env.datasets import open_corpus
from igs_env.testing.fakes import ScriptedRetriever

QUERY = "director of the film Alien"
ACTION = f"<think>I should look this up.</think><search>{QUERY}</search>"
PEERS = ("gem", "skyrl")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", required=True, help="Python of the peers' environment")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    corpus = open_corpus("atlas")
    documents = [corpus[i] for i in range(3)]
    texts = [f"{d.title}\n{d.text}" for d in documents]
    envs = gym.make_vec(
        "IGSearchQA-v0",
        num_envs=64,
        sampler="none",
        retriever=ScriptedRetriever({QUERY: documents}),
    )
    command = [args.peers, "benchmarks/peers/step_time.py", json.dumps(texts), ACTION]
    seconds: dict[str, list[float]] = {"ours": [], **{peer: [] for peer in PEERS}}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        for _ in range(args.rounds):
            envs.reset(seed=0)
            began = time.process_time()
            observations, *_ = envs.step((ACTION,) * 64)
            seconds["ours"].append(time.process_time() - began)
            assert documents[0].title in observations[0]
            for peer in PEERS:
                process.stdin.write(f"{peer}\n")
                process.stdin.flush()
                seconds[peer].append(json.loads(process.stdout.readline()))
        process.stdin.close()
    rows = [_row(name, values, seconds["ours"]) for name, values in seconds.items()]
    for row in rows:
        print(row)
    if args.output:
        record = {"machine": machine(), "rounds": args.rounds, "rows": rows}
        args.output.write_text(json.dumps(record, indent=1) + "\n")


def _row(name: str, values: list[float], ours: list[float]) -> dict[str, object]:
    ratios = np.array(values) / np.array(ours)
    return {
        "name": name,
        "cpu_microseconds_per_episode_step": round(float(np.median(values)) / 64 * 1e6, 1),
        "over_ours_quartiles": np.quantile(ratios, [0.25, 0.5, 0.75]).round(2).tolist(),
    }


if __name__ == "__main__":
    main()
