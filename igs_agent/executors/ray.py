"""`ray`: ranks placed over a Ray cluster.

Ray finds the machines, starts the ranks and notices when one dies. What the ranks tell each other,
gradients and weights above all, goes through torch.distributed and never through Ray's object
store.
"""

from __future__ import annotations

import os
import socket
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from igs_agent.config import ExecutorConfig, TrainConfig
from igs_agent.config_file import dump_config
from igs_agent.config_values import build
from igs_agent.executors.launch import LostRankError
from igs_agent.executors.rank import run_rank
from igs_env.errors import IGSearchError, missing_package

try:
    import ray
except ImportError as error:
    raise missing_package("ray", extra="ray", purpose="executor=ray") from error


def run_ranks(config: TrainConfig, *, resume: bool, quiet: bool) -> None:
    """Place `executor.ranks` ranks, all of them again when one is lost, until they are through.

    Raises:
        LostRankError: they were lost more often than `executor.restarts`.
        IGSearchError: what a rank raised.
    """
    settings = config.executor
    with cluster(settings, quiet=quiet):
        for attempt in range(settings.restarts + 1):
            start = {"resume": resume, "quiet": quiet, "restarted": attempt > 0}
            try:
                problems = on_ranks(settings, _train, dump_config(config), start)
            except LostRankError:
                continue
            for problem in filter(None, problems):
                raise IGSearchError(problem)
            return
    raise LostRankError(
        f"ranks were lost {settings.restarts + 1} times, see what they say above; go on with "
        '"igs train --resume", or allow more with executor.restarts'
    )


@contextmanager
def cluster(settings: ExecutorConfig, *, quiet: bool) -> Iterator[None]:
    """A connection to the cluster; one of this machine alone, for as long, without an address."""
    if ray.is_initialized():
        yield
        return
    # A cluster of one's own claims as many processors as its ranks need, whatever there are.
    needed = max(os.cpu_count() or 1, round(settings.ranks * settings.cpus))
    # Ray's workers yield to everybody else (niceness 15) so that the machine stays usable; a rank
    # is what the machine is used for.
    os.environ.setdefault("RAY_worker_niceness", "0")
    own = {} if settings.address else {"num_cpus": needed}
    ray.init(address=settings.address, include_dashboard=False, log_to_driver=not quiet, **own)
    try:
        yield
    finally:
        ray.shutdown()


def on_ranks(settings: ExecutorConfig, work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What `work` returns on each of `executor.ranks` ranks that can join one process group.

    Whatever one of them returns first other than None ends the others.

    Raises `LostRankError` where a rank died.
    """
    remote: Any = ray.remote(num_cpus=settings.cpus, num_gpus=settings.gpus)(_Rank)
    ranks = [remote.remote() for _ in range(settings.ranks)]
    try:
        host, port = ray.get(ranks[0].address.remote())
        group = {
            "WORLD_SIZE": str(settings.ranks),
            "MASTER_ADDR": host,
            "MASTER_PORT": str(port),
        }
        waiting = [
            rank.run.remote({**group, "RANK": str(number)}, work, arguments)
            for number, rank in enumerate(ranks)
        ]
        results: list[Any] = []
        while waiting and not any(results):
            done, waiting = ray.wait(waiting)
            results += ray.get(done)
    except ray.exceptions.RayError as error:
        raise LostRankError(f"a rank was lost: {error}") from error
    finally:
        for rank in ranks:
            ray.kill(rank)
    return results


class _Rank:
    """A process of the cluster."""

    def address(self) -> tuple[str, int]:
        """Where the ranks could meet: this machine, and a port that is free on it."""
        with socket.socket() as free:
            free.bind(("", 0))
            return ray.util.get_node_ip_address(), free.getsockname()[1]

    def run(
        self, group: dict[str, str], work: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> Any:
        """What `work` returns in a process whose environment says which rank it is."""
        os.environ.update(group)
        return work(*arguments)


def _train(settings: str, start: dict[str, bool]) -> str | None:
    """Train as one of the ranks; what went wrong, where a user can mend it."""
    try:
        run_rank(build(TrainConfig, tomllib.loads(settings)), **start)
    except IGSearchError as error:
        return str(error)
    return None
