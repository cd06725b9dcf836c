"""`ray`: ranks placed over a Ray cluster.

Ray finds the machines, starts the ranks and notices when one dies. What the ranks tell each other,
gradients and weights above all, goes through torch.distributed and never through Ray's object
store.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from igs_agent.config import TrainConfig
from igs_agent.config_file import dump_config
from igs_agent.executors.launch import LostRankError
from igs_env.errors import IGSearchError, missing_package

try:
    import ray
except ImportError as error:
    raise missing_package("ray", extra="ray", purpose="executor=ray") from error


class _Rank:
    """A process of the cluster."""

    def address(self) -> tuple[str, int]:
        """Where rank 0 could be met: this machine, and a port that is free on it."""
        with socket.socket() as free:
            free.bind(("", 0))
            return ray.util.get_node_ip_address(), free.getsockname()[1]

    def run(self, settings: str, group: dict[str, str], start: dict[str, bool]) -> str | None:
        """Train as one of the group; what went wrong, where a user can mend it."""
        os.environ.update(group)
        import tomllib

        from igs_agent.config_values import build
        from igs_agent.executors.rank import run_rank

        try:
            run_rank(build(TrainConfig, tomllib.loads(settings)), **start)
        except IGSearchError as error:
            return str(error)
        return None


def run_ranks(config: TrainConfig, *, resume: bool, quiet: bool) -> None:
    """Place `executor.ranks` ranks, all of them again when one is lost, until they are through.

    Raises:
        LostRankError: they were lost more often than `executor.restarts`.
        IGSearchError: what a rank raised.
    """
    settings, own = config.executor, not ray.is_initialized()
    if own:
        started = {} if settings.address else {"num_cpus": _processors(config)}
        ray.init(
            address=settings.address, include_dashboard=False, log_to_driver=not quiet, **started
        )
    try:
        for attempt in range(settings.restarts + 1):
            start = {"resume": resume, "quiet": quiet, "restarted": attempt > 0}
            if _through(config, start):
                return
    finally:
        if own:
            ray.shutdown()
    raise LostRankError(
        f"ranks were lost {settings.restarts + 1} times, see what they say above; go on with "
        '"igs train --resume", or allow more with executor.restarts'
    )


def _through(config: TrainConfig, start: dict[str, bool]) -> bool:
    """Whether all ranks came to their ends; False where one was lost."""
    settings = config.executor
    remote: Any = ray.remote(num_cpus=settings.cpus, num_gpus=settings.gpus)(_Rank)
    ranks = [remote.remote() for _ in range(settings.ranks)]
    try:
        host, port = ray.get(ranks[0].address.remote())
        waiting = [
            rank.run.remote(
                dump_config(config),
                {
                    "RANK": str(number),
                    "WORLD_SIZE": str(settings.ranks),
                    "MASTER_ADDR": host,
                    "MASTER_PORT": str(port),
                },
                start,
            )
            for number, rank in enumerate(ranks)
        ]
        while waiting:
            done, waiting = ray.wait(waiting)
            problem = ray.get(done[0])
            if problem is not None:
                raise IGSearchError(problem)
    except ray.exceptions.RayError:
        return False
    finally:
        for rank in ranks:
            ray.kill(rank)
    return True


def _processors(config: TrainConfig) -> int:
    """What a cluster of this machine must claim to have for all ranks to be placed."""
    return max(os.cpu_count() or 1, round(config.executor.ranks * config.executor.cpus))
