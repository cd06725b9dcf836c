"""A policy's weights in a folder that plain transformers can load, and back."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from igs_agent.policy import Policy
from igs_env.errors import ConfigurationError

WEIGHTS = "model.safetensors"
ADAPTER = "adapter"
"""Sub-folder of a LoRA adapter's own weights. Not in the folder itself: transformers would put
the adapter on top of weights that hold it already."""


def write_weights(policy: Policy, folder: Path, *, untied: bool = False) -> None:
    """Model, configuration and tokenizer, as transformers' `from_pretrained` reads them.

    With LoRA the weights are those of the merged model, so that whoever evaluates the folder
    needs neither peft nor the base model; the adapter itself, which training goes on from, lies
    in `adapter/` as peft writes it.

    Args:
        policy: whose.
        folder: exists already.
        untied: write tensors that share their storage once each. vLLM 0.32 reloads weights into
            a running model tensor by tensor, and an output layer that is tied to the embeddings
            stays the old one where it is left out.
    """
    model: Any = policy.model
    if _is_adapted(model):
        # Offline: peft would otherwise ask the hub whether the base model's vocabulary grew.
        model.save_pretrained(folder / ADAPTER, save_embedding_layers=False)
        # A copy: merging in place and back would round the base weights.
        model = copy.deepcopy(model).merge_and_unload()
    config = copy.deepcopy(model.config)
    config.architectures = [type(model).__name__]
    config.save_pretrained(folder)
    if getattr(model, "generation_config", None) is not None:
        text = model.generation_config.to_json_string()
        (folder / "generation_config.json").write_text(text, encoding="utf-8")
    _write_tokenizer(policy, folder)
    tensors = _copied(model) if untied else _unshared(model)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def read_weights(policy: Policy, folder: Path) -> None:
    """Put the weights of a folder into the policy's model, exactly.

    Raises:
        ConfigurationError: they are of another model, or LoRA meets full training.
    """
    model: Any = policy.model
    adapted, saved = _is_adapted(model), (folder / ADAPTER).is_dir()
    if adapted != saved:
        raise ConfigurationError(
            f"{folder} was written {'with' if saved else 'without'} LoRA and cannot go on "
            f"{'with' if adapted else 'without'} it; set policy.lora_rank as it was"
        )
    try:
        missing = _load_adapter(model, folder) if adapted else _load_model(model, folder)
    except RuntimeError as error:  # torch's word for tensors of another shape
        raise _other_model(policy, folder) from error
    if missing:
        raise _other_model(policy, folder)


def _write_tokenizer(policy: Policy, folder: Path) -> None:
    # The largest file once by ourselves: tokenizers reports a full disk as a bare Exception, which
    # nobody could tell from a bug.
    text = policy.tokenizer.backend_tokenizer.to_str(pretty=True)
    (folder / "tokenizer.json").write_text(text, encoding="utf-8")
    policy.tokenizer.save_pretrained(folder)


def _load_model(model: torch.nn.Module, folder: Path) -> set[str]:
    result = model.load_state_dict(load_file(folder / WEIGHTS), strict=False)
    tied = set(model.state_dict()) - set(_unshared(model))
    return (set(result.missing_keys) - tied) | set(result.unexpected_keys)


def _load_adapter(model: Any, folder: Path) -> set[str]:
    import peft

    weights = load_file(folder / ADAPTER / "adapter_model.safetensors")
    result = peft.set_peft_model_state_dict(model, weights)
    lacking = {name for name in result.missing_keys if "lora_" in name}
    return lacking | set(result.unexpected_keys)


def _is_adapted(model: Any) -> bool:
    return hasattr(model, "get_base_model")


def _unshared(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The model's tensors, each storage once: tied embeddings are tied again on loading."""
    seen: set[int] = set()
    kept = {}
    for name, tensor in model.state_dict().items():
        if tensor.data_ptr() not in seen:
            seen.add(tensor.data_ptr())
            kept[name] = tensor.contiguous()
    return kept


def _copied(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The model's tensors under every name they have."""
    once = _unshared(model)
    return {
        name: once[name] if name in once else tensor.clone()
        for name, tensor in model.state_dict().items()
    }


def _other_model(policy: Policy, folder: Path) -> ConfigurationError:
    return ConfigurationError(f"the weights in {folder} are of another model than {policy.name!r}")
