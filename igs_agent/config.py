"""Settings of a training run: one frozen dataclass per part, defaults with their sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyConfig:
    """Which model is trained, and how it is held."""

    path: str = "tiny"
    """Folder, hub name, or `tiny`."""
    template: Literal["plain", "chat"] | None = None
    """None: `chat` where the tokenizer has a chat template."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: str | None = None
    """None: a GPU where one is visible, else the CPU."""
    lora_rank: int = 0
    """0 trains every parameter; else the rank of a LoRA adapter (peft) on all linear layers."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, about a third more time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutConfig:
    """How much is played per update, and how tokens are drawn."""

    questions: int = 8
    """Questions per update. (AutoRefine's script: 256.)"""
    group_size: int = 8
    """Rollouts per question. (IG-Search: 5.)"""
    attempts: int = 1
    """Attempts of each rollout, one after the other in one context; more are MR-Search's scheme."""
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 48
    """Per turn. (AutoRefine's script: 512.)"""
    max_rows: int = 256
    """Episodes alive at once."""
    server: str | None = None
    """Address of a vLLM server that samples instead of this process; the policy's weights are
    pushed to it after every update through the run's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditConfig:
    """Which estimator turns rewards and gains into advantages."""

    name: str = "ig_search"
    """Key of `igs_agent.credit.ESTIMATORS`, or `module:attribute`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The estimator's own hyper-parameters."""
    counterfactuals: int = 3
    """N of eq. 3 (IG-Search: 3)."""
    sampler: str = "other_questions"
    """Where counterfactual documents come from (IG-Search: other questions of the batch)."""
    aliases: str = "first"
    """Which gold answers the gain is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossConfig:
    """The surrogate, its regularisation and its aggregation."""

    clip_low: float = 0.2
    clip_high: float = 0.2
    """AutoRefine's script: 0.2 on both sides; DAPO: 0.28 above."""
    kl: float = 0.0
    """Weight of the k3 divergence from the initial policy. (AutoRefine's script: 0.001.)"""
    aggregation: Literal["token_mean", "constant"] = "token_mean"
    """`token_mean`: sum / trained tokens of the optimiser step (DAPO). `constant`: sum /
    (rollouts × `constant_length`) (Dr. GRPO)."""
    constant_length: int = 128
    """Tokens per rollout that `constant` divides by."""
    importance_cap: float = 0.0
    """Truncated importance sampling between sampling and training probabilities; 0 is off, 2 the
    usual cap. Of use where another engine samples."""
    mask_truncated: bool = False
    """Leave rollouts without an answer out of the loss."""
    drop_silent_groups: bool = False
    """Dynamic sampling: leave out groups whose modulated advantages are all zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimConfig:
    """The optimiser."""

    learning_rate: float = 1e-6
    """IG-Search: 1e-6 at 3B parameters."""
    warmup: int = 0
    """Updates of linear warm-up."""
    decay_to: float = 1.0
    """Share of the learning rate that is left at the last update, linearly; 1 keeps it constant."""
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    max_grad_norm: float = 1.0
    epochs: int = 1
    """Passes over an update's rollouts; gains and old log-probabilities are never recomputed."""
    minibatches: int = 1
    """Optimiser steps per pass, over whole groups."""
    batch_tokens: int = 16_384
    """Most tokens, padding included, in one forward and backward; gradients accumulate."""
    autocast: bool = False
    """bfloat16 matrix products in the update and in the gain, about twice as fast where the
    processor has them; parameters, logits of the gain and sampling are not rounded."""

    def learning_rate_at(self, update: int, updates: int) -> float:
        """Learning rate of an update, counted from 0, of a run of so many.

        >>> optim = OptimConfig(learning_rate=1.0, warmup=2, decay_to=0.0)
        >>> [round(optim.learning_rate_at(update, 6), 2) for update in range(6)]
        [0.5, 1.0, 0.75, 0.5, 0.25, 0.0]
        """
        if update < self.warmup:
            return self.learning_rate * (update + 1) / self.warmup
        last = updates - self.warmup
        gone = (update + 1 - self.warmup) / last if last > 0 else 0.0
        return self.learning_rate * (1.0 - (1.0 - self.decay_to) * min(gone, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationConfig:
    """Evaluation while training."""

    every: int = 10
    """Updates between evaluations; 0 evaluates only at the end."""
    questions: int = 200
    split: str = "dev"
    patience: int = 0
    """Evaluations without a better EM after which training stops; 0 never stops early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointConfig:
    """What is kept of a run."""

    every: int = 10
    """Updates between checkpoints; the last one is always kept."""
    keep: int = 2
    """Newest checkpoints that are kept, beside the best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """The retrieval server behind `env.retriever`'s URL, where it is one's own.

    Training reads none of it: `igs doctor` checks that its parts are there.
    """

    corpus: str | None = None
    """What it serves; see `igs_env.datasets.open_corpus`."""
    retriever: str = "dense"
    encoder: str | None = None
    """None: that of the retriever."""
    index: str | None = None
    """Folder of `igs index`, or a bare FAISS file. None: built in the cache folder."""
    factory: str = "Flat"
    """FAISS' factory string of the index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalConfig:
    """What is kept of a run's searches, and how many may fail."""

    record: bool | None = None
    """Keep every query and answer in the run folder's `retrieval.jsonl`. None: where the
    retriever is a server, whose answers nobody else keeps."""
    replay: str | None = None
    """Run folder or file whose recorded answers are given instead of asking `env.retriever`."""
    max_failed: float = 0.5
    """Share of an update's or evaluation's rollouts that failed searches may end; above it the
    run stops with what it has, rather than train on an odd selection. (Ours.)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorConfig:
    """Which processes train. A run may be resumed with others than it was begun with."""

    name: Literal["local", "torchrun", "ray"] = "local"
    """`torchrun`: ranks on this machine, or those that torchrun started on many. `ray`: ranks
    placed over a Ray cluster."""
    ranks: int = 2
    """Processes; `local` is one. Each plays, scores and trains its share of every update."""
    playing: int = 0
    """How many of them only play and score; weights are broadcast to them."""
    shard: bool = False
    """Hold parameters, gradients and optimiser in shards (FSDP2), for a policy whose optimiser
    does not fit one device; a whole copy for playing must still fit."""
    restarts: int = 3
    """How often all ranks are started again, from the newest checkpoint, when one was lost."""
    address: str | None = None
    """Of the Ray cluster, `auto` for a running one; None starts one on this machine."""
    cpus: float = 1.0
    """Processors that Ray keeps for a rank."""
    gpus: float = 0.0
    """GPUs that Ray keeps for a rank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingConfig:
    """Where metrics go besides the run folder's JSONL files."""

    wandb: bool = False
    project: str = "ig-search"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """A training run."""

    run: str = "runs/default"
    """Folder of the run."""
    seed: int = 0
    updates: int = 200
    """IG-Search: 200."""
    env: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the environment, see `igs_env.task.TaskOptions`; `scorer` and
    `scoring` are not among them, since the trainer scores with its own policy."""
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    rollout: RolloutConfig = field(default_factory=RolloutConfig)
    credit: CreditConfig = field(default_factory=CreditConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    retrieval: RetrievalConfig = field(default_factory=RetrievalConfig)
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    server: ServerConfig = field(default_factory=ServerConfig)
