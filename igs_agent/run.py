"""A run: everything that training holds, loaded, checked, and resumed where it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from igs_agent.checkpoint import RunState, newest_checkpoint, put_training, read_checkpoint
from igs_agent.config import TrainConfig
from igs_agent.config_file import dump_config, load_config
from igs_agent.config_limits import check_config
from igs_agent.credit import CreditEstimator, make_estimator, signals_of
from igs_agent.executors import Executor
from igs_agent.executors.choice import executor_of
from igs_agent.generation.server import ServerGenerator
from igs_agent.generation.warm import WarmContexts
from igs_agent.out_of_memory import memory_explained
from igs_agent.policy import Policy, load_policy
from igs_agent.policy_check import check_policy
from igs_agent.preparation import prepare_policy
from igs_agent.question_order import questions_of_update
from igs_agent.run_lock import RunLock
from igs_agent.run_retrieval import recorded_task, task_of
from igs_agent.step_signals import draws_counterfactuals
from igs_agent.tracking import JsonlTracker, Tracker, WandbTracker, terminal_tracker
from igs_agent.tracking.contract import folder_not_written
from igs_env.errors import ConfigurationError
from igs_env.information_gain import FragmentSampler
from igs_env.retrievers.recording import Recording
from igs_env.task import Task, make_sampler
from igs_env.types import Question

Report = Callable[[str], None]


@dataclass(slots=True)
class Run:
    """What a running training holds."""

    config: TrainConfig
    task: Task
    dev: Sequence[Question]
    executor: Executor
    """The ranks; everything below is this rank's."""
    policy: Policy
    """What plays, scores and is saved."""
    trained: Policy
    """What the optimiser changes: the policy, or a copy in shards."""
    reference: Policy | None
    optimizer: torch.optim.Optimizer
    estimator: CreditEstimator
    sampler: FragmentSampler | None
    state: RunState
    lock: RunLock
    """Of the run folder, held by rank 0."""
    files: JsonlTracker | None
    """Written by rank 0."""
    trackers: list[Tracker]
    report: Report
    server: ServerGenerator | None = None
    """Samples instead of this process, where one is configured."""
    recording: Recording | None = None
    """Of its searches, where they are recorded."""
    warm: WarmContexts | None = None
    """Of the newest rollouts, until the update."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Phase → wall-clock time since the last row of timings."""
    clock: Callable[[], float] = time.perf_counter
    """Seconds of what phases are measured in; `time.process_time` on a shared machine."""

    def offsets(self) -> dict[str, int]:
        """Bytes of each of the run's files so far, all of them safely on the disk."""
        mine = {} if self.files is None else self.files.offsets()
        if self.recording is not None:
            mine[self.recording.path.name] = self.recording.synced()
        return {name: size for of in self.executor.gather(mine) for name, size in of.items()}

    def close(self) -> None:
        """Close the files, the trackers and the connection to a server that samples."""
        for tracker in self.trackers:
            tracker.close()
        if self.recording is not None:
            self.recording.close()
        if self.server is not None:
            self.server.close()
        self.executor.close()
        self.lock.release()

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Add the time that the block takes to a phase, which an empty memory is blamed on."""
        began = self.clock()
        with memory_explained(phase, self.config):
            yield
        self.seconds[phase] = self.seconds.get(phase, 0.0) + self.clock() - began


def start(config: TrainConfig, *, resume: bool, report: Report | None) -> Run:
    """Everything loaded and checked, nothing trained yet. Without `report` nothing is shown."""
    check_config(config)
    executor = executor_of(config)
    lock = RunLock(Path(config.run))
    try:
        return _loaded(config, executor, lock, resume=resume, report=report)
    except BaseException:
        lock.release()
        raise


def _loaded(
    config: TrainConfig,
    executor: Executor,
    lock: RunLock,
    *,
    resume: bool,
    report: Report | None,
) -> Run:
    # Rollouts have generators of their own; this is for what a library draws, such as the first
    # weights of an adapter.
    torch.manual_seed(config.seed)
    folder = Path(config.run)
    task, dev = task_of(config), task_of(config, split=config.evaluation.split)
    questions_of_update(task.questions, 0, config.rollout.questions, config.seed)  # enough of them
    policy = prepare_policy(load_policy_of(config), config.policy)
    check_policy(policy, task, config.rollout.max_tokens)
    reference = load_policy_of(config) if config.loss.kl > 0 else None
    newest = _begun(config, lock, resume, report or _silent, executor)
    state = RunState(update=0, best=-1.0, without_improvement=0, offsets={})
    saved = None
    if newest is not None:
        state, saved = read_checkpoint(newest, policy)
    trained = executor.trained(policy)
    trainable = [p for p in trained.model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        trainable,
        lr=config.optim.learning_rate,
        betas=config.optim.betas,
        weight_decay=config.optim.weight_decay,
    )
    estimator = make_estimator(config.credit.name, config.credit.options)
    if newest is not None and saved is not None:
        put_training(newest, saved, lambda kept: executor.load_state(optimizer, kept))
    first = executor.rank == 0
    files = JsonlTracker(folder, state.offsets) if first else None
    task, recording = recorded_task(config, task, state.offsets, rank=executor.rank)
    trackers: list[Tracker] = [] if files is None else [files]
    if report is not None and first:
        trackers.append(terminal_tracker(config.updates, done=state.update))
    if config.tracking.wandb and first:
        trackers.append(WandbTracker(config.tracking.project, folder, asdict(config)))
    return Run(
        config=config,
        task=task,
        dev=subset(dev.questions, config.evaluation.questions),
        executor=executor,
        policy=policy,
        trained=trained,
        reference=reference,
        optimizer=optimizer,
        estimator=estimator,
        sampler=(
            make_sampler(config.credit.sampler, task.corpus, task.rules)
            if draws_counterfactuals(signals_of(estimator))
            else None
        ),
        state=state,
        lock=lock,
        files=files,
        trackers=trackers,
        report=report if report is not None and first else _silent,
        server=_server_of(config, policy),
        recording=recording,
    )


def _server_of(config: TrainConfig, policy: Policy) -> ServerGenerator | None:
    """The server that samples, with the policy's weights: a resumed run's are not its own."""
    if config.rollout.server is None:
        return None
    server = ServerGenerator(
        policy, config.rollout.server, weights=Path(config.run) / "server-weights"
    )
    server.push_weights()
    return server


def load_policy_of(config: TrainConfig) -> Policy:
    """The policy that the configuration names, as it was before training."""
    settings = config.policy
    with memory_explained("loading", config):
        return load_policy(
            settings.path, template=settings.template, dtype=settings.dtype, device=settings.device
        )


def _begun(
    config: TrainConfig, lock: RunLock, resume: bool, report: Report, executor: Executor
) -> Path | None:
    """The checkpoint to go on from; a fresh run's folder is made. Rank 0 decides for all."""
    newest = _checked_folder(config, lock, resume, report) if executor.rank == 0 else None
    return executor.agree(newest)


def _checked_folder(
    config: TrainConfig, lock: RunLock, resume: bool, report: Report
) -> Path | None:
    """Takes the lock where there is nothing else to complain of, so that nothing is made then."""
    folder = lock.folder
    saved = folder / "config.toml"
    if not resume:
        if not saved.exists():
            lock.take()
        if saved.exists():
            raise ConfigurationError(
                f"{folder} already holds a run; go on with it by --resume, or choose another "
                "folder with run=…"
            )
        _write_config(saved, config)
        return None
    if not saved.exists():
        raise ConfigurationError(f"{folder} holds no run that could be resumed")
    _refuse_changes(config, load_config(saved))
    lock.take()
    newest = newest_checkpoint(folder / "checkpoints")
    report(
        "no checkpoint yet: starting from the beginning"
        if newest is None
        else f"resuming from {newest}"
    )
    return newest


def _silent(line: str) -> None:
    """Show nothing."""


def _write_config(path: Path, config: TrainConfig) -> None:
    try:
        path.write_text(dump_config(config), encoding="utf-8")
    except OSError as error:
        raise folder_not_written(path.parent, error) from error


_FREE = ("updates", "run", "tracking", "checkpoint", "executor")
_MEMORY = {
    "policy": "gradient_checkpointing",
    "rollout": "max_rows",
    "optim": "batch_tokens",
}
"""What decides how much is held at once; of the figures it changes the rounding alone, and a run
that ran out of memory has to go on with less."""


def _refuse_changes(config: TrainConfig, saved: TrainConfig) -> None:
    """A resumed run may go on longer, elsewhere and in less memory, but not as another one."""
    for name, value in asdict(config).items():
        was = asdict(saved)[name]
        if name in _MEMORY:
            was = {**was, _MEMORY[name]: value[_MEMORY[name]]}
        if name not in _FREE and value != was:
            raise ConfigurationError(
                f"{name} is not what the run was started with: {value!r} instead of "
                f"{was!r}; leave it out, or start another run"
            )


def subset(questions: Sequence[Question], count: int) -> list[Question]:
    """At most so many questions, the same for every run: seeds move training, not the measure."""
    order = np.random.default_rng(0).permutation(len(questions))[:count]
    return [questions[int(i)] for i in order]
