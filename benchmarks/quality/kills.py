"""SIGKILL of any process of a run at fifty seeded moments; the run must end as if undisturbed.

    python -m benchmarks.quality.kills --output benchmarks/quality/results/kills.json

`tiny` trains for a few updates as users train it, by `igs train`, in three set-ups: one process
that searches by itself; the same against `igs serve`; and ranks on torchrun, of which the last
only plays. Each is run undisturbed and then with its processes killed in turn:

- the driver, at random moments and in the middle of writing a checkpoint;
- the retrieval server, which is started again at once;
- a rank that trains, a rank that only plays, the agent that watches the ranks, and the driver over
  them.

Whoever is not started again by the run itself is started again here, as a user would, by
`--resume`. At the end parameters and optimiser, metrics and episodes are compared byte for byte.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import machine
from igs_agent.tracking import read_jsonl

SETTINGS = (
    "rollout.questions=4",
    "rollout.group_size=4",
    "evaluation.every=4",
    "evaluation.questions=8",
    "checkpoint.every=2",  # so that kills leave rows that a resume must cut off
    "executor.restarts=100",
)
PATIENCE = 300.0
"""Seconds without a new row of metrics after which a run counts as stuck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A set-up and who is killed in it how often."""

    name: str
    kills: dict[str, int]
    updates: int
    settings: tuple[str, ...] = ()
    served: bool = False


CASES = (
    Case(name="one process", kills={"driver": 15, "saving": 10}, updates=32),
    Case(
        name="one process and a server",
        kills={"server": 10},
        updates=16,
        settings=("env.retriever_kwargs.attempts=12", "env.retriever_kwargs.backoff=0.2"),
        served=True,
    ),
    Case(
        name="two ranks and one that plays",
        kills={"rank": 6, "player": 5, "agent": 2, "driver of ranks": 2},
        updates=24,
        settings=("executor=torchrun", "executor.ranks=3", "executor.playing=1"),
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", nargs="+", default=[case.name for case in CASES])
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="igs-kills-") as name:
        for case in CASES:
            if case.name in args.cases:
                rows.append(disturbed(case, Path(name), args.seed))
                print(json.dumps(rows[-1]), flush=True)
    if args.output:
        record = {
            "machine": machine(),
            "command": "python -m benchmarks.quality.kills",
            "seed": args.seed,
            "settings": SETTINGS,
            "rows": rows,
        }
        args.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if any(row["differs"] for row in rows):
        sys.exit("a killed run did not end as the undisturbed one")


def disturbed(case: Case, folder: Path, seed: int) -> dict[str, Any]:
    """Both runs of a case and what is different between them."""
    place = folder / case.name.replace(" ", "-")
    place.mkdir()
    calm = Disturbance(case, place / "calm", [], random.Random(seed))
    calm.run()
    wanted = [who for who, count in case.kills.items() for _ in range(count)]
    draws = random.Random(seed)
    draws.shuffle(wanted)
    killed = Disturbance(case, place / "killed", wanted, draws)
    killed.run()
    return {
        "case": case.name,
        "updates": case.updates,
        "kills": dict(killed.kills),
        "not struck, for the run had ended": len(killed.wanted),
        "updates when killed": killed.stood,
        "resumed by hand": killed.resumed,
        "searches that failed": killed.failed_searches(),
        "episodes twice": killed.episodes_twice(),
        "differs": list(differences(calm.folder, killed.folder, case.updates)),
    }


@dataclass
class Disturbance:
    """A run from its start to its end, with whoever is wanted killed on the way."""

    case: Case
    folder: Path
    wanted: list[str]
    """Who is still to be killed, the next one last."""
    draws: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    stood: list[int] = field(default_factory=list)
    """Rows of metrics at each kill."""
    resumed: int = 0
    port: int = 0

    def run(self) -> None:
        """Until the last update; what ends early is resumed."""
        server = self.serve() if self.case.served else None
        driver = self.start()
        try:
            while not self.through():
                if driver.poll() is not None:
                    self.resumed += 1
                    driver = self.start()
                if self.wanted and self.moment(self.wanted[-1], driver):
                    who = self.wanted[-1]
                    for victim in self.victims(who, driver, server):
                        os.kill(victim, signal.SIGKILL)
                        self.wanted.pop()
                        self.kills[who] += 1
                        self.stood.append(self.rows())
                    if who == "server" and server is not None:
                        server.wait()
                        server = self.serve()
                    elif "driver" in who or who == "saving":
                        driver.wait()
                elif not self.wanted:
                    self.until(lambda: False, driver)
        finally:
            for process in (driver, server):
                if process is not None and process.poll() is None:
                    process.kill()
                    process.wait()

    def through(self) -> bool:
        """Whether the last checkpoint is there and nobody holds the folder any more."""
        return (self.folder / "checkpoints" / f"update-{self.case.updates:06d}").exists() and (
            self.folder / "report.html"
        ).exists()

    def moment(self, who: str, driver: subprocess.Popen[str]) -> bool:
        """Wait for the moment to strike; False where the driver ended first."""
        events = self.draws.choice([0, 0, 1, 1, 2, 3])
        seconds = self.draws.uniform(0.0, 1.5)
        if who == "saving":
            return self.until(self.saving, driver)
        began = self.rows()
        if not self.until(lambda: self.rows() >= max(1, began) + events, driver):
            return False
        time.sleep(seconds)
        return driver.poll() is None

    def until(self, condition: Callable[[], bool], driver: subprocess.Popen[str]) -> bool:
        """Whether the condition came true while the driver lived."""
        stuck, rows = time.monotonic() + PATIENCE, self.rows()
        while not condition():
            if driver.poll() is not None:
                return False
            if self.rows() != rows:
                stuck, rows = time.monotonic() + PATIENCE, self.rows()
            if time.monotonic() > stuck:
                raise TimeoutError(f"nothing happened for {PATIENCE:g} s; see {self.log}")
            time.sleep(0.001)
        return True

    def saving(self) -> bool:
        """Whether a checkpoint is half written."""
        return any((self.folder / "checkpoints").glob("*.partial"))

    def victims(
        self, who: str, driver: subprocess.Popen[str], server: subprocess.Popen[str] | None
    ) -> list[int]:
        """The process to strike; none where it is just being started again."""
        if who == "server":
            assert server is not None
            return [server.pid]
        if who in ("rank", "player"):
            ranks = {rank: pid for pid, rank in ranks_under(driver.pid)}
            last = int(self.case.settings[1].partition("=")[2]) - 1
            chosen = last if who == "player" else self.draws.randrange(last)
            return [ranks[chosen]] if chosen in ranks else []
        if who == "agent":
            return children(driver.pid)[:1]
        return [driver.pid]

    def rows(self) -> int:
        """Rows of metrics so far."""
        path = self.folder / "metrics.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    @property
    def log(self) -> Path:
        return self.folder.with_suffix(".log")

    def start(self) -> subprocess.Popen[str]:
        more = ["--resume"] if (self.folder / "config.toml").exists() else []
        served = [f"env.retriever=http://127.0.0.1:{self.port}/retrieve"] if self.port else []
        with self.log.open("a", encoding="utf-8") as log:
            return subprocess.Popen(
                [
                    *(sys.executable, "-m", "igs_agent.cli", "train", "--config", "tiny-atlas"),
                    *(*more, f"run={self.folder}", f"updates={self.case.updates}"),
                    *(*SETTINGS, *served, *self.case.settings),
                ],
                stdout=log,
                stderr=log,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )

    def serve(self) -> subprocess.Popen[str]:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "igs_agent.cli", "serve", "--corpus", "atlas"),
                *("--port", str(self.port)),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        if not self.port:
            assert server.stderr is not None
            self.port = int(server.stderr.readline().rpartition(":")[2].partition("/")[0])
        return server

    def failed_searches(self) -> int:
        """Episodes that a failed search ended."""
        return sum(row["retrieval_failed"] for row in read_jsonl(self.folder / "episodes.jsonl"))

    def episodes_twice(self) -> int:
        """Episodes that were counted more than once."""
        keys = [(row["update"], row["id"]) for row in read_jsonl(self.folder / "episodes.jsonl")]
        return len(keys) - len(set(keys))


def children(pid: int) -> list[int]:
    """Processes that a process started."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    except OSError:
        return []
    return [int(child) for child in text.split()]


def ranks_under(pid: int) -> Iterator[tuple[int, int]]:
    """(process, rank) of the ranks among a process's descendants."""
    for child in children(pid):
        try:
            environment = Path(f"/proc/{child}/environ").read_text(encoding="utf-8")
        except OSError:
            continue
        rank = re.search(r"(?:^|\0)RANK=(\d+)", environment)
        if rank:
            yield child, int(rank[1])
        yield from ranks_under(child)


def differences(calm: Path, killed: Path, updates: int) -> Iterator[str]:
    """What of the killed run is not what the undisturbed run has."""
    last = Path("checkpoints") / f"update-{updates:06d}"
    for name in ("metrics.jsonl", "episodes.jsonl", str(last / "model.safetensors")):
        if (calm / name).read_bytes() != (killed / name).read_bytes():
            yield name
    states = [
        torch.load(run / last / "training.pt", weights_only=True)["optimizer"]["state"]
        for run in (calm, killed)
    ]
    if not _equal(*states):
        yield "the optimiser's moments"


def _equal(one: dict[int, Any], other: dict[int, Any]) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(torch.as_tensor(value), torch.as_tensor(other[number][name]))
        for number, of in one.items()
        for name, value in of.items()
    )


if __name__ == "__main__":
    main()
