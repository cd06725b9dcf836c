"""A chaos run: `tiny` trains while searches are dropped, delayed and garbled and processes killed.

Between the trainer and `igs serve` stands a proxy that, by a seed, closes connections, waits,
answers bytes that are no JSON, or answers 500, and writes down what it did. This script kills the
server and the trainer with SIGKILL at seeded moments and starts them again, the trainer with
`--resume`. At the end it accounts for every fault:

- each one that reached a client alive is a line of the trainer's log (an attempt that failed);
- each search that failed for good is in the recording, and is an episode that is flagged;
- no update and no episode is there twice, and none is missing;
- the trainer's resident memory, sampled every second, and the learning curve are written out.

    python -m benchmarks.quality.soak --seconds 3600 --output benchmarks/quality/results/soak.json
"""

from __future__ import annotations

import argparse
import asyncio
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from igs_agent.tracking import read_jsonl

FAULTS = {"drop": 0.04, "delay": 0.04, "garble": 0.04, "error": 0.04}
"""Share of requests that meet each."""
DELAY = 0.5
"""Seconds, below the client's time-out: an answer that is slow is no failure."""
CONNECTIONS = 8
"""Requests that a client has under way at most."""
KILL_TRAINER, KILL_SERVER = 60.0, 45.0
"""Mean seconds between kills."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kill-trainer", type=float, default=KILL_TRAINER)
    parser.add_argument("--kill-server", type=float, default=KILL_SERVER)
    parser.add_argument("--output", type=Path)
    parser.add_argument("settings", nargs="*", help="of the run, over those of tiny-atlas")
    parser.add_argument("--proxy", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.proxy:
        port, log, seed = args.proxy
        asyncio.run(proxy(int(port), Path(log), int(seed)))
        return
    with tempfile.TemporaryDirectory(prefix="igs-soak-") as folder:
        soak = Soak(Path(folder), args)
        soak.run()
        result = {
            "command": f"python -m benchmarks.quality.soak --seconds {args.seconds:g} "
            f"--kill-trainer {args.kill_trainer:g} --kill-server {args.kill_server:g}",
            "settings": args.settings,
            "seed": args.seed,
            "machine": machine(),
            **soak.account(),
        }
    print(json.dumps({k: v for k, v in result.items() if k != "machine"}, indent=1))
    if args.output:
        args.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if result["unaccounted"]:
        sys.exit(f"not accounted for: {result['unaccounted']}")


@dataclass
class Soak:
    """The processes of a chaos run and what became of them."""

    folder: Path
    args: argparse.Namespace
    kills: Counter[str] = field(default_factory=Counter)
    memory: list[list[float]] = field(default_factory=list)
    """[seconds since the start, MiB of the trainer]."""
    run_seed: int = 0
    outages: int = 0
    """Times that a run stopped since too many searches had failed, and was resumed."""

    @property
    def folder_of_run(self) -> Path:
        """Of the run that is going on."""
        return self.folder / f"run-{self.run_seed}"

    def run(self) -> None:
        """Until the time is over: one run after the other, each with another seed."""
        draws = random.Random(self.args.seed)
        began = time.monotonic()
        server = self.server()
        assert server.stderr is not None
        self.port = int(server.stderr.readline().rpartition(":")[2].partition("/")[0])
        middle = self.start(
            "-m",
            "benchmarks.quality.soak",
            "--proxy",
            str(self.port),
            str(self.folder / "faults.jsonl"),
            str(self.args.seed),
            stdout=subprocess.PIPE,
        )
        assert middle.stdout is not None
        self.address = f"http://127.0.0.1:{int(middle.stdout.readline())}/retrieve"
        trainer = self.trainer()
        kill_trainer = began + draws.expovariate(1 / self.args.kill_trainer)
        kill_server = began + draws.expovariate(1 / self.args.kill_server)
        try:
            while time.monotonic() - began < self.args.seconds:
                time.sleep(1)
                if trainer.poll() is not None:
                    if trainer.returncode:
                        self.outages += 1
                    else:
                        self.run_seed += 1
                    trainer = self.trainer()
                self.sample(trainer, time.monotonic() - began)
                if time.monotonic() > kill_server:
                    kill(server)
                    server = self.server(self.port)
                    self.kills["server"] += 1
                    kill_server = time.monotonic() + draws.expovariate(1 / self.args.kill_server)
                if time.monotonic() > kill_trainer:
                    kill(trainer)
                    trainer = self.trainer()
                    self.kills["trainer"] += 1
                    kill_trainer = time.monotonic() + draws.expovariate(1 / self.args.kill_trainer)
            self.finish(trainer)
        finally:
            for process in (trainer, middle, server):
                kill(process)

    def finish(self, trainer: subprocess.Popen[str]) -> None:
        """Let the update in hand end, as Ctrl-C does."""
        if trainer.poll() is None:
            trainer.send_signal(signal.SIGINT)
            trainer.wait(timeout=600)

    def server(self, port: int = 0) -> subprocess.Popen[str]:
        return self.start(
            "-m",
            "igs_agent.cli",
            "serve",
            "--corpus",
            "atlas",
            "--port",
            str(port),
            stderr=subprocess.PIPE if port == 0 else subprocess.DEVNULL,
        )

    def trainer(self) -> subprocess.Popen[str]:
        run = self.folder_of_run
        more = ["--resume"] if (run / "config.toml").exists() else []
        with (self.folder / "trainer.log").open("a", encoding="utf-8") as log:
            return self.start(
                *("-m", "igs_agent.cli", "train", "--config", "tiny-atlas", *more, f"run={run}"),
                f"env.retriever={self.address}",
                "env.retriever_kwargs.backoff=0.05",
                f"seed={self.run_seed}",
                "checkpoint.every=1",
                *self.args.settings,
                stdout=log,
                stderr=log,
            )

    def start(self, *words: str, **streams: Any) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, *words], text=True, **streams)

    def sample(self, trainer: subprocess.Popen[str], at: float) -> None:
        try:
            text = Path(f"/proc/{trainer.pid}/status").read_text(encoding="utf-8")
            self.memory.append([round(at, 1), int(text.split("VmRSS:")[1].split()[0]) / 1024])
        except (OSError, IndexError):
            return

    def account(self) -> dict[str, Any]:
        """What was done to the run, what it says of it, and what does not fit."""
        faults = list(read_jsonl(self.folder / "faults.jsonl"))
        log = (self.folder / "trainer.log").read_text(encoding="utf-8", errors="replace")
        said = len(re.findall(r"attempt \d+ of \d+ failed", log))
        injected = Counter(row["fault"] for row in faults)
        told = sum(row["told"] for row in faults if row["fault"] != "delay")
        runs = sorted(self.folder.glob("run-*"), key=lambda run: int(run.name[4:]))
        metrics = [list(read_jsonl(run / "metrics.jsonl")) for run in runs]
        updates = [[row["update"] for row in rows if "update/loss" in row] for rows in metrics]
        played = [list(read_jsonl(run / "episodes.jsonl")) for run in runs]
        episodes = [(n, row["update"], row["id"]) for n, rows in enumerate(played) for row in rows]
        flagged = sum(row["retrieval_failed"] for rows in played for row in rows)
        curves = [
            [[r["update"], r["eval/exact_match"]] for r in rows if "eval/exact_match" in r]
            for rows in metrics
        ]
        checks = {
            # A client that is killed takes what it was just told with it.
            "faults that a client met are not in its log": max(
                0, told - said - CONNECTIONS * self.kills["trainer"]
            ),
            "updates missing or twice": sum(each != list(range(len(each))) for each in updates),
            "episodes twice": len(episodes) - len(set(episodes)),
            "the trainer ended in an error": log.count("Traceback")
            + self.outages
            - log.count("retrieval.max_failed="),
        }
        return {
            "injected": dict(injected),
            "met by a client alive": told,
            "failed attempts in the log": said,
            "kills": dict(self.kills),
            "runs stopped by too many failed searches, and resumed": self.outages,
            "updates": [len(each) for each in updates],
            "episodes": len(episodes),
            "episodes ended by failed searches": flagged,
            "memory_mib": self.memory[:: max(1, len(self.memory) // 60)],
            "curves": curves,
            "unaccounted": {what: count for what, count in checks.items() if count},
        }


def kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


async def proxy(port: int, log: Path, seed: int) -> None:
    """Forwards requests to the server at `port`, some of them badly."""
    draws = random.Random(seed)
    with log.open("a", encoding="utf-8") as file:

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    request = await message(reader)
                    fault = draws.choices(
                        [*FAULTS, ""], [*FAULTS.values(), 1 - sum(FAULTS.values())]
                    )
                    told = await answer(fault[0], request, port, writer)
                    if fault[0]:
                        file.write(json.dumps({"fault": fault[0], "told": told}) + "\n")
                        file.flush()
                    if fault[0] == "drop":
                        return
            except (OSError, asyncio.IncompleteReadError):
                return  # a server or a client was killed
            finally:
                writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


async def answer(fault: str, request: bytes, port: int, writer: asyncio.StreamWriter) -> bool:
    """Whether the client was there to be told."""
    if fault == "delay":
        await asyncio.sleep(DELAY)
    if fault in ("", "delay"):
        reader, upstream = await asyncio.open_connection("127.0.0.1", port)
        upstream.write(request)
        reply = await message(reader)
        upstream.close()
    else:
        body = b"\x00garbled" if fault == "garble" else b""
        status = b"500 Internal Server Error" if fault == "error" else b"200 OK"
        reply = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
    try:
        if fault != "drop":
            writer.write(reply)
            await writer.drain()
    except OSError:
        return False
    return not writer.is_closing()


async def message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head.lower())
    return head + await reader.readexactly(int(length[1]) if length else 0)


if __name__ == "__main__":
    main()
