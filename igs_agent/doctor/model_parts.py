"""The policy's folder: weights, configuration and tokenizer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from igs_agent.config import PolicyConfig
from igs_agent.doctor.episode_size import EpisodeSize
from igs_agent.doctor.finding import Finding, missing, note, ok
from igs_agent.doctor.model_shape import ModelShape, known_shape, read_shape
from igs_agent.doctor.places import folder_of, looks_local, sized
from igs_env.errors import ConfigurationError

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"


def policy_folder(config: PolicyConfig) -> Path | None:
    """Where the policy's model lies; None where it is not on this machine."""
    from igs_agent.policy import tiny_path

    return folder_of(str(tiny_path()) if config.path == "tiny" else config.path, CONFIG)


def shape_of(config: PolicyConfig) -> ModelShape | None:
    """The model's sizes: from its folder, else from its name; None where neither says."""
    folder = policy_folder(config)
    if folder is None:
        return known_shape(config.path)
    try:
        return read_shape(folder / CONFIG)
    except ConfigurationError:
        return None


def check_model(config: PolicyConfig, size: EpisodeSize) -> Iterator[Finding]:
    """Whether configuration and weights are there, and episodes fit the context."""
    folder = policy_folder(config)
    if folder is None:
        yield missing("model", f"{config.path} is not on this machine", _fetch(config.path))
        return
    try:
        shape = read_shape(folder / CONFIG)
    except ConfigurationError as error:
        yield missing("model", str(error), _fetch(config.path))
        return
    absent = _absent_weights(folder)
    if absent:
        yield missing("model", f"{folder} lacks {absent}", _fetch(config.path))
        return
    yield ok("model", f"{config.path}: {shape.parameters / 1e6:,.1f} M parameters")
    if size.total > shape.context:
        yield note(
            "context",
            f"{shape.context:,} tokens; an episode has up to {size.total:,}",
            "what is longer ends truncated: lower rollout.max_tokens, env.top_k or "
            "env.max_searches",
        )


def check_tokenizer(config: PolicyConfig) -> Iterator[Finding]:
    """Whether the tokenizer can be used: offsets, template, an end of text, the model's ids."""
    folder = policy_folder(config)
    if folder is None:
        return  # It comes with the model, which is missing already.
    try:
        tokenizer = _load(folder)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        yield missing("tokenizer", f"{folder}: {reason}", _fetch(config.path))
        return
    shape = read_shape(folder / CONFIG) if shape_of(config) else None
    problem = _problem(tokenizer, config, shape)
    if problem:
        yield missing("tokenizer", f"{folder}: {problem[0]}", problem[1])
        return
    end = tokenizer.eos_token
    yield ok("tokenizer", f"{len(tokenizer):,} tokens, end of text {end!r}")
    if end is None:
        yield note("tokenizer", "no end of text", "turns end at a tag or at rollout.max_tokens")


def _problem(
    tokenizer: Any, config: PolicyConfig, shape: ModelShape | None
) -> tuple[str, str] | None:
    if not tokenizer.is_fast:
        return "gives no character offsets", "take a model that has a tokenizer.json"
    if config.template == "chat" and not tokenizer.chat_template:
        return "has no chat template", "set policy.template=plain, or take an instruct model"
    if shape is not None and len(tokenizer) > shape.vocabulary:
        return (
            f"has {len(tokenizer):,} tokens, the model {shape.vocabulary:,}",
            "the two are of different models: fetch both from one place",
        )
    return None


def _load(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def _absent_weights(folder: Path) -> str:
    """Which weights there should be and are not; empty for none."""
    if (folder / WEIGHTS).is_file() or (folder / "pytorch_model.bin").is_file():
        return ""
    if not (folder / INDEX).is_file():
        return WEIGHTS
    try:
        shards = set(
            json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()
        )
    except (ValueError, KeyError, AttributeError):
        return f"a readable {INDEX}"
    return ", ".join(sorted(shard for shard in shards if not (folder / shard).is_file()))


def _fetch(path: str) -> str:
    if path == "tiny":
        return "igs warmstart output=runs/tiny, then policy=runs/tiny"
    if looks_local(path):
        return "igs warmstart or igs convert writes such a folder: see docs/real-models.md"
    shape = known_shape(path)
    # Published weights are bf16.
    size = f"  ({sized(2 * shape.parameters)})" if shape else ""
    return f"hf download {path}{size}"
