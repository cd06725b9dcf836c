"""The doctor's arithmetic, held against real models and against what autograd really keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from igs_agent.config import TrainConfig
from igs_agent.config_file import load_config
from igs_agent.doctor.duration import CORE, H100, duration
from igs_agent.doctor.episode_size import EpisodeSize, episode_size
from igs_agent.doctor.footprint import activation_bytes, footprint
from igs_agent.doctor.machine_parts import checkpoint_bytes, smaller
from igs_agent.doctor.model_shape import QWEN25, ModelShape, _shape

SMALL = {
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "intermediate_size": 512,
    "vocab_size": 1000,
    "max_position_embeddings": 2048,
}
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("qwen2", SMALL),
    ("qwen2", {**SMALL, "tie_word_embeddings": True}),
    ("llama", {**SMALL, "num_hidden_layers": 6, "head_dim": 24}),
    ("llama", {**SMALL, "hidden_size": 96, "num_key_value_heads": 8, "attention_bias": False}),
]


def real(kind: str, sizes: dict[str, Any]) -> tuple[Any, ModelShape]:
    config = AutoConfig.for_model(kind, **sizes)
    return AutoModelForCausalLM.from_config(config), _shape(config.to_dict())


@pytest.mark.parametrize(("kind", "sizes"), KINDS)
def test_parameters_are_those_of_the_real_model(kind: str, sizes: dict[str, Any]) -> None:
    model, shape = real(kind, sizes)
    assert shape.parameters == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("size", "published"),
    [
        ("0.5B", 494_032_768),
        ("1.5B", 1_543_714_304),
        ("3B", 3_085_938_688),
        ("7B", 7_615_616_512),
        ("14B", 14_770_033_664),
    ],
)
def test_qwen_s_sizes_have_their_published_number_of_parameters(size: str, published: int) -> None:
    assert QWEN25[size].parameters == published


def test_adapter_parameters_are_those_of_peft() -> None:
    peft = pytest.importorskip("peft")
    model, shape = real(*KINDS[0])
    settings = peft.LoraConfig(r=4, target_modules="all-linear")
    adapted = peft.get_peft_model(model, settings)
    trained = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    assert shape.adapter_parameters(4) == trained


def kept_bytes(model: Any, ids: torch.Tensor, *, autocast: bool) -> int:
    """Bytes of distinct storages that the forward pass keeps, parameters left out."""
    parameters = {p.untyped_storage().data_ptr() for p in model.parameters()}
    sizes: dict[int, int] = {}
    alive = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            sizes[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)  # so that no address is used twice
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=autocast),
    ):
        model.model(input_ids=ids)
    return sum(sizes.values())


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize(("kind", "sizes"), KINDS)
def test_activations_are_what_autograd_keeps_within_five_percent(
    kind: str, sizes: dict[str, Any], checkpointing: bool, autocast: bool
) -> None:
    model, shape = real(kind, sizes)
    if checkpointing:
        model.gradient_checkpointing_enable()
    tokens = 2 * 512
    kept = kept_bytes(model.train(), torch.randint(0, 1000, (2, 512)), autocast=autocast)
    config = load_config(
        None,
        [
            f"policy.gradient_checkpointing={checkpointing}".lower(),
            f"optim.autocast={autocast}".lower(),
        ],
    )
    expected = activation_bytes(config, shape) * tokens
    if checkpointing:  # the one layer that is computed anew comes with the backward pass
        without = [f"optim.autocast={autocast}".lower()]
        layer = activation_bytes(load_config(None, without), shape) / shape.layers
        expected -= layer * tokens
        # Beside the layers' inputs: the last norm's input and output.
        kept -= 2 * 4 * shape.hidden * tokens
    elif autocast:  # bf16 copies of the weights, which `footprint` counts by themselves
        kept -= 2 * (shape.parameters - (1 if shape.tied else 2) * shape.vocabulary * shape.hidden)
    assert expected == pytest.approx(kept, rel=0.05)


SHAPE = ModelShape(
    layers=2, hidden=8, heads=2, kv_heads=1, feed_forward=16, vocabulary=100, context=64, tied=True
)
SIZE = EpisodeSize(prompt=10, documents=20, written=30, searches=2)
CONFIG = load_config(
    None,
    ["rollout.questions=2", "rollout.group_size=3", "rollout.max_rows=4", "optim.batch_tokens=1"],
)


def test_an_episode_is_prompt_documents_and_full_turns() -> None:
    # 200 + 5 searches × 3 documents × 150 + 8 turns × 512.
    assert episode_size(load_config("qwen2.5-3b")).total == 200 + 5 * 3 * 150 + 8 * 512
    # 100 characters are 25 tokens.
    short = load_config(None, ["env.max_document_length=100", "env.max_searches=1", "env.top_k=2"])
    assert episode_size(short).documents == 2 * 25


def test_memory_is_the_sum_of_its_formula() -> None:
    parameters = SHAPE.parameters
    assert parameters == 100 * 8 + 2 * (2 * 64 + 2 * 8 * 4 + 3 * 8 * 16 + 16) + 8
    found = footprint(CONFIG, SHAPE, SIZE)
    assert found.state == 4 * parameters * 4
    assert found.reference == 0
    # Keys and values of 4 wide heads, 2 layers, fp32, 4 rows of 60 tokens, twice.
    assert found.keys_values == 2 * (2 * 4 * 2 * 4) * 4 * 60
    per_token = 2 * 4 * (8 * 8 + 2 * 4 + 4 * 16)
    assert found.update == per_token * 60 + 12 * 100 * 60 * 30 / 60
    assert found.total == pytest.approx(
        1.1 * (found.state + max(found.keys_values, found.update)) + 1e9
    )


def test_contexts_kept_for_the_gain_count_beside_those_alive_up_to_their_limit() -> None:
    everything = 6 * 60 * (2 * 4 * 2 * 4)  # 6 episodes of 60 tokens
    found = footprint(CONFIG, SHAPE, SIZE, kept_limit=1e12)
    assert found.kept == everything
    assert footprint(CONFIG, SHAPE, SIZE, kept_limit=100.0).kept == 100
    assert footprint(CONFIG, SHAPE, SIZE).kept == 0
    large = replace(found, update=0.0)
    assert large.total == pytest.approx(1.1 * (found.state + found.keys_values + everything) + 1e9)


def test_sharding_divides_what_is_sharded_and_a_reference_costs_its_weights() -> None:
    compared = replace(CONFIG, loss=replace(CONFIG.loss, kl=0.001))
    one, four = (footprint(compared, SHAPE, SIZE, gpus=count) for count in (1, 4))
    assert one.reference == 4 * SHAPE.parameters
    assert (four.state, four.keys_values) == (one.state / 4, one.keys_values / 4)
    assert (four.reference, four.update) == (one.reference / 4, one.update)


def test_an_adapter_needs_gradients_and_moments_for_itself_only() -> None:
    config = replace(CONFIG, policy=replace(CONFIG.policy, lora_rank=2))
    adapter = SHAPE.adapter_parameters(2)
    found = footprint(config, SHAPE, SIZE)
    assert found.state == 4 * (SHAPE.parameters + adapter + 3 * adapter)
    # Kept and written checkpoints and the best one: weights, and moments of what is trained.
    assert checkpoint_bytes(config, SHAPE) == (2 + 2) * 4 * (SHAPE.parameters + 2 * adapter)


def test_time_is_operations_over_speed() -> None:
    found = duration(CONFIG, SHAPE, SIZE)
    speed = 67e12 * 0.4  # fp32, no autocast
    tokens, parameters = 6 * 60, SHAPE.parameters
    assert found.update == pytest.approx(6 * parameters * tokens / speed)
    branch = 2 * (10 + 3 * (10 + 10))  # 2 searches; an answer, and 3 × (10 of documents + answer)
    assert found.gain == pytest.approx(2 * parameters * branch * 6 / speed)
    read = 2 * parameters * (tokens - 6 * 30) / speed
    context = 6 * 30 * (2 * 4 * 2 * 4) * 60 / 2 / (3.35e12 * 0.6)
    # 6 episodes in batches of 4 rows, 0.3 ms for each of 2 layers: nothing else counts here.
    assert found.rollout == pytest.approx(read + context + 30 * 6 / 4 * 2 * 3e-4)


def test_a_large_model_s_decoding_moves_its_weights_and_many_gpus_share_the_batches() -> None:
    config, shape = load_config("qwen2.5-14b", ["policy.dtype=bfloat16"]), QWEN25["14B"]
    size = replace(episode_size(config), prompt=0, documents=0)
    found = duration(config, shape, size)
    batches = 256 * 5 / 16
    weights = size.written * batches * 2 * shape.parameters
    context = 256 * 5 * size.written * (2 * 2 * 48 * 8 * 128) * size.total / 2
    assert found.rollout == pytest.approx((weights + context) / (3.35e12 * 0.6))
    assert duration(config, shape, size, count=8).total == pytest.approx(found.total / 8)


def test_a_core_takes_the_seconds_that_were_measured_on_one() -> None:
    """135 M parameters: 63 tokens per second trained in fp32, 117 under bf16 autocast."""
    shape = ModelShape(
        layers=30,
        hidden=576,
        heads=9,
        kv_heads=3,
        feed_forward=1536,
        vocabulary=49_152,
        context=8192,
        tied=True,
    )
    assert shape.parameters == 134_515_008
    for autocast, rate in ((False, 63), (True, 117)):
        config = replace(CONFIG, optim=replace(CONFIG.optim, autocast=autocast))
        seconds = duration(config, shape, SIZE, machine=CORE).update
        assert 6 * 60 / seconds == pytest.approx(rate, rel=0.1)


def test_autocast_uses_the_fast_units_and_grpo_measures_no_gain() -> None:
    fast = replace(CONFIG, optim=replace(CONFIG.optim, autocast=True))
    ratio = H100.flops / H100.flops_float32
    slow = duration(CONFIG, SHAPE, SIZE).update
    assert duration(fast, SHAPE, SIZE).update == pytest.approx(slow / ratio)
    grpo = replace(CONFIG, credit=replace(CONFIG.credit, name="grpo"))
    assert duration(grpo, SHAPE, SIZE).gain == 0


def test_smaller_settings_are_named_in_order_and_only_as_many_as_are_needed() -> None:
    config, shape = load_config("qwen2.5-3b"), QWEN25["3B"]
    needed = footprint(config, shape, episode_size(config)).total
    advice = smaller(config, shape, needed - 1)
    assert advice == "would fit with rollout.max_rows=8"
    adapter = smaller(config, shape, 60e9)
    assert adapter.endswith(
        "rollout.max_rows=8 optim.batch_tokens=1 loss.kl=0.0 policy.lora_rank=64"
    )
    assert smaller(config, shape, 1e9).startswith("would not fit with any setting")


def test_the_defaults_have_an_estimate_too() -> None:
    config = TrainConfig()
    assert footprint(config, QWEN25["0.5B"], episode_size(config)).total > 1e9
