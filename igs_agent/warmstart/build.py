"""Warm-starting a policy: the small one from nothing, or any model from its weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from igs_agent.config import PolicyConfig
from igs_agent.policy import Policy, load_policy
from igs_agent.preparation import prepare_policy
from igs_agent.warmstart.demonstrations import DemonstrationStyle, demonstrate, of_epoch
from igs_agent.warmstart.examples import Example, document_example, episode_example
from igs_agent.warmstart.excerpts import ExcerptRetriever, wanted_texts
from igs_agent.warmstart.gold_titles import with_title_queries
from igs_agent.warmstart.judgement import judged
from igs_agent.warmstart.names import other_names
from igs_agent.warmstart.sft import SupervisedConfig, tell, train_supervised
from igs_agent.warmstart.tiny import new_tiny, train_tokenizer
from igs_agent.weights import write_weights
from igs_env.errors import ConfigurationError
from igs_env.task import Task, make_task

_RECORD = "warmstart.json"
# The tokenizer is learned from one fixed mixture: with the demonstrations' own, tuning them would
# change every token, and nothing of a warm start could be kept.
_TOKENIZED = DemonstrationStyle(good_queries=0.35, vague_queries=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmstartConfig:
    """How a policy is warm-started. The defaults make `tiny`."""

    output: str = "runs/tiny"
    """Folder for the policy. `OUTPUT.progress` holds what an interrupted warm start goes on
    from."""
    policy: str | None = None
    """Policy to start from; None makes a small one from nothing."""
    template: Literal["plain", "chat"] | None = None
    """How its prompts are wrapped; None: `chat` where its tokenizer has a chat template."""
    lora_rank: int = 0
    """0 trains every parameter of `policy`; else the rank of an adapter, which is merged into the
    weights when they are saved."""
    env: Mapping[str, Any] = field(
        default_factory=lambda: {"protocol": "plain", "top_k": 1, "max_searches": 3, "hops": [1, 2]}
    )
    """Keyword arguments of the environment whose train questions are demonstrated."""
    questions: int = 0
    """Train questions that are demonstrated per epoch, others in every epoch; 0: all of them."""
    style: DemonstrationStyle = field(default_factory=DemonstrationStyle)
    first_turns: int = 12
    """Epochs on first turns alone, with gold queries. A model from nothing learns there to copy
    names; on whole episodes, most of whose tokens are documents, that takes ten times as long."""
    excerpts: int = 8
    """Epochs, behind those, on whole episodes with gold queries whose documents are cut to the
    sentence that is looked for, in the first of them, and less and less in the others."""
    renamed: float = 0.75
    """Share of the episodes in which names change places with others of the world, so that they
    must be copied and cannot be known by heart."""
    documents: float = 0.3
    """Share of the corpus that is learned as plain text, a third of it per epoch, beside the
    episodes of mixed quality."""
    half: bool = True
    """Save the weights in float16: half the size; training starts from them in float32."""
    vocabulary: int = 4096
    width: int = 192
    layers: int = 4
    judged: int = 100
    """Dev questions on which `policy` is evaluated before and after, greedily; 0: none."""
    supervised: SupervisedConfig = field(
        default_factory=lambda: SupervisedConfig(
            epochs=24, learning_rate=1.5e-3, batch_tokens=2048, autocast=True
        )
    )
    """`epochs` counts those of first turns and excerpts too. A pretrained `policy` goes straight to
    whole episodes of mixed quality."""


def warmstart(config: WarmstartConfig, *, log: Callable[[str], None] = tell) -> Policy:
    """Train a policy on demonstrations and documents, and save it as a model folder.

    Every epoch plays the demonstrations anew, so that their mistakes differ. A warm start that
    was interrupted goes on after its last whole epoch.

    Raises:
        ConfigurationError: the output folder holds something, or an interrupted warm start with
            other settings.
    """
    folder = Path(config.output)
    if folder.exists() and any(folder.iterdir()):
        raise ConfigurationError(f"{folder} is not empty; choose another output folder")
    progress = folder.with_name(folder.name + ".progress")
    _claim(progress, config)
    task = make_task(**{**dict(config.env), "split": "train", "sampler": "none"})
    policy = _given_policy(config) if config.policy else _new_policy(config, task)
    judge = partial(judged, env=config.env, questions=config.judged if config.policy else 0)
    before = judge(policy, when="before", log=log, kept=progress / "before.json")
    model: Any = policy.model
    if config.policy is None:
        # On short sequences plain attention is a third faster in training than the fused kernel
        # (CPU).
        model.set_attn_implementation("eager")
    loss = train_supervised(
        policy,
        lambda epoch: _examples(config, task, policy, epoch),
        config.supervised,
        progress=progress,
        log=log,
    )
    if config.policy is None:
        model.set_attn_implementation("sdpa")
    if config.lora_rank:
        model = model.merge_and_unload()  # in float32, before anything is rounded
        policy = replace(policy, model=model)
    after = judge(policy, when="after", log=log)
    if config.half:
        model.half()
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(policy, folder)
    (folder / _RECORD).write_text(_record(config, final_loss=loss, **before, **after))
    shutil.rmtree(progress)
    return policy


def _claim(progress: Path, config: WarmstartConfig) -> None:
    """Make the folder for checkpoints, or see that it is of the same warm start."""
    settings = progress / _RECORD
    if not settings.is_file():
        progress.mkdir(parents=True, exist_ok=True)
        settings.write_text(_record(config))
    elif settings.read_text() != _record(config):
        raise ConfigurationError(
            f"{progress} holds an interrupted warm start with other settings; repeat its settings "
            "to go on with it, or delete it"
        )


def _record(config: WarmstartConfig, **more: object) -> str:
    return json.dumps({**asdict(config), **more}, indent=1) + "\n"


def _given_policy(config: WarmstartConfig) -> Policy:
    policy = load_policy(str(config.policy), template=config.template)
    return prepare_policy(policy, PolicyConfig(lora_rank=config.lora_rank))


def _new_policy(config: WarmstartConfig, task: Task) -> Policy:
    episodes = demonstrate(task.rules, task.questions, _TOKENIZED)
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
    rules, turns, shown = task.rules, None, style
    chosen = of_epoch(task.questions, config.questions, epoch, config.style.seed)
    asked = with_title_queries(chosen, task.corpus)
    excerpt = epoch - config.first_turns
    if config.policy is None and excerpt < config.excerpts:
        shown = replace(style, good_queries=1.0, vague_queries=0.0)
        turns = 1 if excerpt < 0 else None
        cut = ExcerptRetriever(
            rules.retriever,
            wanted_texts(asked),
            keep=max(0, excerpt) / config.excerpts,
            seed=epoch,
        )
        rules = replace(rules, retriever=cut)
    episodes = demonstrate(rules, asked, shown)
    renamings = other_names(episodes, asked, config.renamed, style.seed)
    examples = [
        episode_example(policy, episode, turns, names)
        for episode, names in zip(episodes, renamings, strict=True)
    ]
    if config.policy is None and excerpt < config.excerpts:
        return examples
    random = np.random.default_rng(config.style.seed)
    known = random.permutation(len(task.corpus))[: int(config.documents * len(task.corpus))]
    # A third of the known documents per epoch: reading has to stay the larger part.
    part = known[epoch % 3 :: 3]
    return examples + [document_example(policy, task.corpus[int(index)]) for index in part]
