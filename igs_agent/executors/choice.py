"""The executor that a rank of a run needs."""

from __future__ import annotations

from igs_agent.config import TrainConfig
from igs_agent.executors.contract import Executor
from igs_agent.executors.local import LOCAL


def executor_of(config: TrainConfig) -> Executor:
    """`local`, or what joins this rank to those that were started with it."""
    settings = config.executor
    if settings.name == "local":
        return LOCAL
    from igs_agent.executors.ranks import RankExecutor
    from igs_agent.executors.sharded import ShardedExecutor

    if settings.shard:
        return ShardedExecutor(playing=settings.playing, half=config.optim.autocast)
    return RankExecutor(playing=settings.playing)
