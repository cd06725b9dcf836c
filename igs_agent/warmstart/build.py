"""Warm-starting a policy: the small one from nothing, or any model from its weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from igs_agent.policy import Policy, load_policy
from igs_agent.warmstart.demonstrations import DemonstrationStyle, demonstrate
from igs_agent.warmstart.examples import Example, document_example, episode_example
from igs_agent.warmstart.sft import SupervisedConfig, tell, train_supervised
from igs_agent.warmstart.tiny import new_tiny, train_tokenizer
from igs_agent.weights import write_weights
from igs_env.errors import ConfigurationError
from igs_env.task import Task, make_task


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmstartConfig:
    """How a policy is warm-started.

    The defaults are a first recipe for `tiny`: it learns the form of an episode and how questions
    become kinds of queries, but not yet to copy names (dev EM 0.000 on one hop, n = 120).
    """

    output: str = "runs/tiny"
    """Folder for the policy."""
    policy: str | None = None
    """Policy to start from; None makes a small one from nothing."""
    env: Mapping[str, Any] = field(
        default_factory=lambda: {"protocol": "plain", "top_k": 1, "max_searches": 3, "hops": [1, 2]}
    )
    """Keyword arguments of the environment whose train questions are demonstrated."""
    style: DemonstrationStyle = field(default_factory=DemonstrationStyle)
    documents: float = 0.3
    """Share of the corpus that is learned as plain text."""
    half: bool = True
    """Save the weights in float16: half the size; training starts from them in float32."""
    vocabulary: int = 4096
    width: int = 192
    layers: int = 4
    supervised: SupervisedConfig = field(
        default_factory=lambda: SupervisedConfig(
            epochs=3, learning_rate=1.5e-3, batch_tokens=4096, autocast=True
        )
    )


def warmstart(config: WarmstartConfig, *, log: Callable[[str], None] = tell) -> Policy:
    """Train a policy on demonstrations and documents, and save it as a model folder.

    Every epoch plays the demonstrations anew, so that their mistakes differ.
    """
    folder = Path(config.output)
    if folder.exists() and any(folder.iterdir()):
        raise ConfigurationError(f"{folder} is not empty; choose another output folder")
    task = make_task(**{**dict(config.env), "split": "train", "sampler": "none"})
    policy = load_policy(config.policy) if config.policy else _new_policy(config, task)
    losses = train_supervised(
        policy, lambda epoch: _examples(config, task, policy, epoch), config.supervised, log=log
    )
    folder.mkdir(parents=True, exist_ok=True)
    if config.half:
        policy.model.half()
    write_weights(policy, folder)
    record = {**asdict(config), "final_loss": float(np.mean(losses[-50:])), "steps": len(losses)}
    (folder / "warmstart.json").write_text(json.dumps(record, indent=1) + "\n")
    return policy


def _new_policy(config: WarmstartConfig, task: Task) -> Policy:
    episodes = demonstrate(task.rules, task.questions, config.style)
    documents = (task.corpus[index] for index in range(len(task.corpus)))
    texts = [
        *(episode.transcript for episode in episodes),
        *(f"{document.title}: {document.text}" for document in documents),
    ]
    tokenizer = train_tokenizer(texts, config.vocabulary)
    seed = config.supervised.seed
    return new_tiny(tokenizer, width=config.width, layers=config.layers, seed=seed)


def _examples(config: WarmstartConfig, task: Task, policy: Policy, epoch: int) -> list[Example]:
    style = replace(config.style, seed=config.style.seed + epoch)
    episodes = demonstrate(task.rules, task.questions, style)
    examples = [episode_example(policy, episode) for episode in episodes]
    random = np.random.default_rng(config.style.seed)
    known = random.permutation(len(task.corpus))[: int(config.documents * len(task.corpus))]
    # A third of the known documents per epoch: reading has to stay the larger part.
    part = known[epoch % 3 :: 3]
    return examples + [document_example(policy, task.corpus[int(index)]) for index in part]
