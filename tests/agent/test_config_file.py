"""Configurations: what a file and overrides say is what a run gets, or a clear refusal."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igs_agent.config import CreditConfig, OptimConfig, RolloutConfig, TrainConfig
from igs_agent.config_file import dump_config, load_config
from igs_agent.config_limits import LIMITS, check_config
from igs_agent.config_values import build, typed_value
from igs_agent.warmstart.build import WarmstartConfig
from igs_agent.warmstart.sft import SupervisedConfig
from igs_env.errors import ConfigurationError


def refusal(*overrides: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_config(None, overrides)
    return str(caught.value)


def test_no_file_and_no_override_are_the_defaults() -> None:
    assert load_config(None) == TrainConfig()


def test_overrides_win_over_the_file_and_later_ones_over_earlier_ones(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("updates = 3\n[optim]\nlearning_rate = 1e-3\nwarmup = 2\n")
    config = load_config(path, ["optim.learning_rate=1e-4", "optim.learning_rate=2e-4"])
    assert (config.updates, config.optim.learning_rate, config.optim.warmup) == (3, 2e-4, 2)


def test_a_bare_section_names_the_estimator_and_keeps_its_other_settings(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("[credit]\nname = 'ig_search'\ncounterfactuals = 2\n")
    config = load_config(path, ["credit=grpo", "policy=runs/a/best", "credit.options.epsilon=1e-8"])
    assert config.credit == CreditConfig(name="grpo", counterfactuals=2, options={"epsilon": 1e-8})
    assert config.policy.path == "runs/a/best"


def test_a_file_may_use_the_short_form_too(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("credit = 'rloo'\n")
    assert load_config(path).credit.name == "rloo"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("[1, 2]", [1, 2]),
        ('"7"', "7"),
        ("plain", "plain"),
        ("fiction:documents=500,hops=1-2", "fiction:documents=500,hops=1-2"),
        ("true", True),
        ("2026-01-01", "2026-01-01"),
        ("a\nb = 1", "a\nb = 1"),
        ("1\nseed = 9", "1\nseed = 9"),
        ("", ""),
    ],
)
def test_values_are_toml_and_text_where_they_are_not(text: str, value: object) -> None:
    assert load_config(None, [f"env.hops={text}"]).env == {"hops": value}


def test_a_run_may_be_named_after_a_day() -> None:
    assert load_config(None, ["run=2026-01-01"]).run == "2026-01-01"


def test_none_is_none_where_it_is_allowed() -> None:
    assert load_config(None, ["policy.device=none"]).policy.device is None
    assert "policy.dtype" in refusal("policy.dtype=none")


def test_an_integer_serves_as_a_float_but_never_the_other_way() -> None:
    assert load_config(None, ["optim.learning_rate=1"]).optim.learning_rate == 1.0
    assert refusal("optim.epochs=1.5") == "optim.epochs must be an integer, got 1.5"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optim.learning_rate=fast", "optim.learning_rate must be a number, got 'fast'"),
        ("optim.learning_rate=true", "optim.learning_rate must be a number, got True"),
        ("seed=true", "seed must be an integer, got True"),
        ("optim.autocast=1", "optim.autocast must be true or false, got 1"),
        ("run=7", "run must be text, got 7"),
        ("optim.betas=[0.9]", "optim.betas must be a list of 2 values, got [0.9]"),
        ('optim.betas=[0.9, "x"]', "optim.betas must be a number, got 'x'"),
        ("optim.betas=[0.9, 1.0]", "optim.betas must be at least 0 and below 1, got [0.9, 1.0]"),
        ("optim=3", "optim must be a table of settings"),
        ("env=3", "env must be a table of settings"),
        ("optim.learning_rate=0", "optim.learning_rate must be above 0, got 0.0"),
        ("optim.learning_rate=nan", "optim.learning_rate must be above 0, got nan"),
        ("optim.learning_rate=inf", "optim.learning_rate must be above 0, got inf"),
        ("rollout.top_p=1.5", "rollout.top_p must be above 0 and at most 1, got 1.5"),
        ("updates=0", "updates must be at least 1, got 0"),
        ("checkpoint.keep=0", "checkpoint.keep must be at least 1, got 0"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_what_was_expected(
    override: str, message: str
) -> None:
    assert refusal(override).startswith(message)


@pytest.mark.parametrize(
    ("override", "nearest"),
    [
        ("optim.learning_rat=1", "did you mean 'optim.learning_rate'?"),
        ("optin.learning_rate=1", "did you mean 'optim'?"),
        ("env.hop=1", "did you mean 'env.hops'?"),
        ("credit=grop", "did you mean 'grpo'?"),
        ("credit.options.alhpa=1", "did you mean 'credit.options.alpha'?"),
        ("policy.template=chatt", "did you mean 'chat'?"),
        ("loss.aggregation=tokenmean", "did you mean 'token_mean'?"),
    ],
)
def test_an_unknown_name_gets_the_nearest_known_one(override: str, nearest: str) -> None:
    assert nearest in refusal(override)


@pytest.mark.parametrize("override", ["optim.learning_rate", "=1", "a..b=1", ""])
def test_an_override_without_a_key_and_a_value_is_refused(override: str) -> None:
    assert "an override is written key=value" in refusal(override)


def test_a_key_below_a_value_is_refused() -> None:
    assert "seed is a value, not a table" in refusal("seed=1", "seed.first=2")


def test_options_of_an_estimator_are_checked_like_settings() -> None:
    assert load_config(None, ["credit.options.alpha=1"]).credit.options == {"alpha": 1}
    assert refusal("credit.options.alpha=big").startswith(
        "credit.options.alpha must be a number, got 'big'"
    )
    assert "credit.options: needs dead_zone" in refusal("credit.options.dead_zone=-1")


def test_a_group_of_one_is_refused_with_the_reason() -> None:
    message = refusal("rollout.group_size=1")
    assert "rollout.group_size must be at least 2 for credit 'ig_search', got 1" in message
    assert "nothing to be compared with" in message


def test_an_estimator_that_compares_nothing_may_have_groups_of_one() -> None:
    name = "tests.agent.test_config_file:Alone"
    overrides = ["rollout.group_size=1", f"credit={name}"]
    assert load_config(None, overrides).credit.name == name


@dataclasses.dataclass(frozen=True)
class Alone:
    """An estimator that needs no group."""

    group_relative: typing.ClassVar[bool] = False

    def __call__(self, table: object) -> object:
        return table


@pytest.mark.parametrize(
    ("name", "instead"),
    [("scorer", "its own policy"), ("counterfactuals", "credit.counterfactuals")],
)
def test_what_the_trainer_sets_is_refused_in_env(name: str, instead: str) -> None:
    assert instead in refusal(f"env.{name}=3")


def test_a_missing_file_and_a_broken_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.toml cannot be read: No such file"):
        load_config(tmp_path / "absent.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("updates = \n")
    with pytest.raises(ConfigurationError, match=r"broken\.toml is no valid TOML: .*line 1"):
        load_config(broken)


def test_every_number_of_a_configuration_has_a_limit() -> None:
    numbers = {key for key, hint in _settings(TrainConfig) if hint in (int, float)}
    assert numbers == set(LIMITS)


def _settings(kind: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    for name, hint in typing.get_type_hints(kind).items():
        if dataclasses.is_dataclass(hint):
            yield from _settings(hint, f"{where}{name}.")
        else:
            yield f"{where}{name}", hint


def test_a_configuration_made_in_python_is_checked_by_the_same_rules() -> None:
    with pytest.raises(ConfigurationError, match="updates must be at least 1"):
        check_config(TrainConfig(updates=0))


def test_the_defaults_survive_the_file_and_every_field_is_written(tmp_path: Path) -> None:
    text = dump_config(TrainConfig())
    path = tmp_path / "config.toml"
    path.write_text(text)
    assert load_config(path) == TrainConfig()
    assert 'device = "none"' in text


_text = st.text(st.characters(codec="utf-8"))
_value = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | _text,
    lambda inner: st.lists(inner) | st.dictionaries(_text, inner),
    max_leaves=8,
)


@given(
    run=_text,
    seed=st.integers(0, 2**63 - 1),
    rate=st.floats(1e-12, 1e3),
    betas=st.tuples(st.floats(0, 0.99), st.floats(0, 0.99)),
    device=st.none() | st.sampled_from(["cpu", "cuda"]),
    arguments=st.dictionaries(_text, _value),
)
def test_any_configuration_survives_the_file(
    tmp_path_factory: pytest.TempPathFactory, **drawn: Any
) -> None:
    config = TrainConfig(
        run=drawn["run"],
        seed=drawn["seed"],
        env={"retriever_kwargs": drawn["arguments"], "hops": [1, 2]},
        optim=OptimConfig(learning_rate=drawn["rate"], betas=drawn["betas"]),
        rollout=RolloutConfig(group_size=5),
        policy=dataclasses.replace(TrainConfig().policy, device=drawn["device"]),
    )
    path = tmp_path_factory.getbasetemp() / "drawn.toml"
    path.write_text(dump_config(config), encoding="utf-8", newline="")
    assert load_config(path) == config


def test_a_live_object_cannot_be_written_and_the_message_says_where() -> None:
    config = TrainConfig(env={"retriever": object()})
    with pytest.raises(ConfigurationError, match=r"env\.retriever is a live object"):
        dump_config(config)


def test_none_in_env_is_left_out_since_it_is_the_default(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(dump_config(TrainConfig(env={"hops": None, "top_k": 2})))
    assert load_config(path).env == {"top_k": 2}


def test_a_list_is_not_a_number() -> None:
    with pytest.raises(ConfigurationError, match="x must be a number, got \\[1\\]"):
        typed_value(float, [1], "x")


def test_one_nested_setting_leaves_the_defaults_that_the_outer_field_has() -> None:
    """A warm start's supervised.learning_rate is not SupervisedConfig's own default."""
    default = WarmstartConfig().supervised
    changed = build(WarmstartConfig, {"supervised": {"epochs": 2}}).supervised
    assert (changed.epochs, changed.learning_rate) == (2, default.learning_rate)
    assert changed.batch_tokens == default.batch_tokens != SupervisedConfig().batch_tokens
