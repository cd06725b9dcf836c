"""A policy: a causal language model, its tokenizer, and how text becomes its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from igs_env.errors import ConfigurationError, unknown_name

Template = Literal["plain", "chat"]
TEMPLATES: tuple[Template, ...] = ("plain", "chat")
"""`plain`: the prompt as it is. `chat`: the prompt as the user's turn of the tokenizer's chat
template; the whole episode is then one assistant turn, as in Search-R1."""

# Models that do something to the logits behind the output embedding; for these the whole
# forward is used instead of decoder + head.
_LOGIT_CHANGES = ("final_logit_softcapping", "logits_scaling", "logit_scale")


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """A model that writes outputs. `load_policy` makes one."""

    model: nn.Module
    tokenizer: Any
    template: Template
    name: str
    """Path or hub name, for reports."""

    @property
    def device(self) -> torch.device:
        """Where the model's parameters are."""
        return next(self.model.parameters()).device

    @property
    def context_length(self) -> int:
        """Most tokens that a sequence may have."""
        return int(self.model.config.max_position_embeddings)  # type: ignore[union-attr, arg-type]

    @property
    def eos_ids(self) -> frozenset[int]:
        """Tokens that end a turn by themselves."""
        configured = getattr(self.model, "generation_config", None)
        found = configured.eos_token_id if configured is not None else None
        ids = [found] if isinstance(found, int) else list(found or [])
        return frozenset(i for i in (*ids, self.tokenizer.eos_token_id) if i is not None)

    def encode(self, text: str) -> list[int]:
        """Tokens of text that the environment wrote: never a special token, whatever it says."""
        ids: list[int] = self.tokenizer.encode(
            text, add_special_tokens=False, split_special_tokens=True
        )
        return ids

    def encode_prompt(self, prompt: str) -> list[int]:
        """Tokens of an episode's first observation, in the policy's template.

        The template's own tokens are special; the prompt inside it cannot be, since the
        environment neutralises chat markers in everything it did not write.
        """
        if self.template == "plain":
            begin = self.tokenizer.bos_token_id
            return ([] if begin is None else [begin]) + self.encode(prompt)
        text: str = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
        )
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Text of tokens that the policy wrote, special tokens left out."""
        text: str = self.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def encode_target(self, probe: str, target: str, probe_end: str) -> tuple[list[int], slice]:
        """Tokens of `probe + target + probe_end`, jointly, and which of them are the target's.

        Tokenised apart, a target would never start with the leading-space token that it has in
        running text (trap T2); the target's tokens are found by their character offsets.
        Tokens behind the target are dropped: nothing conditions on them.
        """
        encoded = self.tokenizer(
            probe + target + probe_end,
            add_special_tokens=False,
            return_offsets_mapping=True,
            split_special_tokens=True,
        )
        start, end = len(probe), len(probe) + len(target)
        inside = [
            index
            for index, (left, right) in enumerate(encoded["offset_mapping"])
            if left < end and right > start
        ]
        if not inside:
            raise ConfigurationError(f"the answer {target!r} has no token of its own")
        return list(encoded["input_ids"][: inside[-1] + 1]), slice(inside[0], inside[-1] + 1)

    def hidden_states(self, **inputs: Any) -> Float[Tensor, "B T D"]:
        """Last hidden states, before the output embedding; arguments as of the model's decoder.

        A boolean `attention_mask` is true where a token may look, whatever the model's attention.

        Raises:
            ConfigurationError: a mask that the model's attention cannot take.
        """
        decoder = _unwrapped(self.model).get_decoder()
        if inputs.get("attention_mask") is not None:
            inputs["attention_mask"] = self._mask(inputs["attention_mask"])
        states: Tensor = decoder(**inputs).last_hidden_state
        return states

    def _mask(self, allowed: Bool[Tensor, "..."]) -> Tensor:
        attention = getattr(self.model.config, "_attn_implementation", "sdpa")
        if attention == "sdpa":
            return allowed
        if attention == "eager":  # it adds its mask: true and false would shift scores by 1 and 0
            dtype = next(self.model.parameters()).dtype
            added = torch.zeros(allowed.shape, dtype=dtype, device=allowed.device)
            return added.masked_fill(~allowed, torch.finfo(dtype).min)
        raise ConfigurationError(
            f"policy {self.name!r} has attention {attention!r}, which takes no mask of its own per "
            'token; load the model with attn_implementation="sdpa"'
        )

    def logits(self, hidden: Float[Tensor, "n D"]) -> Float[Tensor, "n V"]:
        """Logits in fp32 at the given hidden states only."""
        found: Tensor = self.head(hidden)
        return found.float()

    @property
    def head(self) -> Any:
        """The output embedding, a module."""
        return _unwrapped(self.model).get_output_embeddings()


def load_policy(
    path: str | PathLike[str],
    *,
    template: Template | None = None,
    dtype: str = "float32",
    device: str | None = None,
) -> Policy:
    """The policy stored in a folder, or named on a hub, or `tiny` from the package's own data.

    Args:
        path: folder of safetensors and tokenizer, hub name, or `tiny`.
        template: `plain` or `chat`; by default `chat` where the tokenizer has a chat template.
        dtype: of the parameters: `float32`, `bfloat16`, `float16`.
        device: by default a GPU where one is visible, else the CPU.

    Raises:
        ConfigurationError: nothing is there, or the model or tokenizer cannot be used.
    """
    disable_progress_bar()  # loading takes a moment, and bars garble a log
    source = str(tiny_path()) if str(path) == "tiny" else str(path)
    where = device_of(device)
    _check_exists(source)
    try:
        config = AutoConfig.from_pretrained(source)
    except OSError as error:  # no such model, no network, or a name that no hub could have
        raise ConfigurationError(
            f"policy {source!r} is neither a folder nor a model of the hub that can be reached: "
            f"{str(error).splitlines()[0]}"
        ) from error
    for attribute in _LOGIT_CHANGES:
        if getattr(config, attribute, None) not in (None, 1, 1.0):
            raise ConfigurationError(
                f"{source}: models with {attribute} are not supported; Llama- and Qwen2-shaped "
                "models are"
            )
    try:
        model = AutoModelForCausalLM.from_pretrained(
            source, dtype=_dtype(dtype), use_safetensors=True
        )
    except OSError as error:  # other formats are pickles, which run code as they are read
        raise ConfigurationError(
            f"policy {source!r} has no safetensors that could be loaded "
            f"({str(error).splitlines()[0]}); convert it where you trust it: save_pretrained"
        ) from error
    tokenizer = AutoTokenizer.from_pretrained(source)
    if not tokenizer.is_fast:
        raise ConfigurationError(
            f"{source}: the tokenizer gives no character offsets; use a fast one"
        )
    chosen = template or ("chat" if tokenizer.chat_template else "plain")
    if chosen not in TEMPLATES:
        raise unknown_name("template", chosen, TEMPLATES)
    if chosen == "chat" and not tokenizer.chat_template:
        raise ConfigurationError(f"{source}: template=chat, but its tokenizer has no chat template")
    return Policy(model.to(where).eval(), tokenizer, chosen, str(path))


def device_of(name: str | None) -> torch.device:
    """The device of that name; by default a GPU where one is visible, else the CPU.

    Raises `ConfigurationError` for a name that is none, and for a GPU that is not there.

    >>> device_of("cpu")
    device(type='cpu')
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    try:
        found = torch.device(name or ("cuda" if gpus else "cpu"))
    except RuntimeError as error:
        raise ConfigurationError(
            f"no device {name!r}; choose cpu, cuda or cuda:1, or leave it out"
        ) from error
    if found.type == "cuda" and (found.index or 0) >= gpus:
        raise ConfigurationError(
            f"the device {name!r} is not there, torch sees {gpus} GPUs; leave it out to use what "
            "there is, or install torch's CUDA build"
        )
    return found


def tiny_path() -> Path:
    """Folder in the package for the warm-started small policy."""
    return Path(__file__).parent / "data" / "tiny"


def selected_log_probs(
    logits: Float[Tensor, "n V"], ids: Int[Tensor, "n ..."], temperature: float
) -> Float[Tensor, "n ..."]:
    """Log-probability of each row's ids under the tempered softmax; temperature 0 counts as 1.

    The same function serves sampling and training, so that on-policy ratios are 1.
    """
    scaled = logits / temperature if temperature > 0 else logits
    chosen = scaled.gather(-1, ids.reshape(len(ids), -1))
    return (chosen - scaled.logsumexp(-1, keepdim=True)).reshape(ids.shape)


def _unwrapped(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _dtype(name: str) -> torch.dtype:
    known = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if name not in known:
        raise unknown_name("dtype", name, known)
    return known[name]


def _check_exists(source: str) -> None:
    looks_local = source.startswith((".", "/", "~")) or Path(source).exists()
    if looks_local and not (Path(source) / "config.json").is_file():
        raise ConfigurationError(
            f"policy {source!r}: there is no config.json; give a folder written by "
            '"igs convert" or save_pretrained, a hub name, or "tiny"'
        )
