"""Recipes: each loads, and those of the paper say what the paper says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from igs_agent.config_file import dump_config, load_config
from igs_agent.config_limits import check_config
from igs_agent.recipes import recipes
from igs_env.datasets.questions import merged_parts
from igs_env.datasets.registry import CORPORA, DATASETS

PAPERS = [name for name in recipes() if name.startswith("qwen2.5-")]
STATED: dict[str, Any] = {
    "updates": 200,
    "env.questions": "nq+hotpotqa",
    "env.split": "train",
    "env.protocol": "autorefine",
    "env.reward": "staircase",
    "env.max_searches": 5,
    "env.top_k": 3,
    "rollout.group_size": 5,
    "credit.name": "ig_search",
    "credit.counterfactuals": 3,
    "credit.sampler": "other_questions",
    "credit.options.alpha": 0.3,
    "optim.learning_rate": 1e-6,
    "server.retriever": "dense",
    "server.encoder": "intfloat/e5-base-v2",
    "server.factory": "Flat",
}
"""arXiv 2604.15148, sections 3 to 5, but for the model and the corpus, which vary in form."""
SCRIPT: dict[str, Any] = {
    "rollout.questions": 256,
    "rollout.temperature": 1.0,
    "rollout.max_tokens": 512,
    "loss.clip_low": 0.2,
    "loss.clip_high": 0.2,
    "loss.kl": 0.001,
}
"""AutoRefine's script (arXiv 2505.11277), where the paper is silent."""
_TABLE = re.compile(r"\[([\w.]+)\]")
_SETTING = re.compile(r"(\w+) = .*?# *(\w+)")


def value(config: Any, key: str) -> Any:
    for part in key.split("."):
        config = config[part] if isinstance(config, dict) else getattr(config, part)
    return config


def sources(path: Path) -> dict[str, str]:
    """Setting → first word of its comment, of every setting of a file."""
    table, found = "", {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if head := _TABLE.fullmatch(line):
            table = f"{head[1]}."
        elif line and not line.startswith("#"):
            setting = _SETTING.match(line)
            assert setting, f"{path.name}: no source beside {line!r}"
            found[table + setting[1]] = setting[2]
    return found


@pytest.mark.parametrize("name", recipes())
def test_a_recipe_loads_and_is_what_its_dump_loads(name: str, tmp_path: Path) -> None:
    config = load_config(name)
    check_config(config)
    (tmp_path / "config.toml").write_text(dump_config(config), encoding="utf-8")
    assert load_config(tmp_path / "config.toml") == config
    assert config.run == f"runs/{name}"


@pytest.mark.parametrize("name", PAPERS)
def test_what_the_paper_states_is_what_the_recipe_says(name: str) -> None:
    config = load_config(name)
    for key, stated in (STATED | SCRIPT).items():
        assert value(config, key) == stated, key
    assert config.policy.path == f"Qwen/Qwen2.5-{name.removeprefix('qwen2.5-').upper()}"
    assert (config.server.corpus or "").startswith("wiki18")


@pytest.mark.parametrize("name", PAPERS)
def test_every_setting_of_the_paper_s_recipes_names_its_source(name: str) -> None:
    named = sources(recipes()[name])
    papers = {*STATED, "policy.path", "server.corpus"}
    assert {key for key, source in named.items() if source == "paper"} == papers
    assert {key for key, source in named.items() if source == "AutoRefine"} == set(SCRIPT)
    others = set(named) - papers - set(SCRIPT)
    assert {named[key] for key in others} == {"ours", "Search"}  # the index is Search-R1's


def test_the_paper_has_four_sizes() -> None:
    assert PAPERS == ["qwen2.5-1.5b", "qwen2.5-14b", "qwen2.5-3b", "qwen2.5-7b"]


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_uses_a_gpu_where_one_is_visible(name: str) -> None:
    assert load_config(name).policy.device is None


@pytest.mark.parametrize("name", recipes())
def test_a_recipe_s_questions_and_corpus_are_registered(name: str) -> None:
    config = load_config(name)
    for part in merged_parts(config.env.get("questions", "atlas")):
        assert part in DATASETS
    if config.server.corpus:
        assert config.server.corpus.partition(":")[0] in CORPORA


@pytest.mark.parametrize("name", recipes())
def test_a_recipe_with_another_estimator_is_one_override_and_changes_nothing_else(
    name: str,
) -> None:
    own, other = load_config(name), load_config(name, ["credit=grpo"])
    assert other.credit == replace(own.credit, name="grpo", options={})
    assert replace(other, credit=own.credit) == own


def test_options_that_are_given_with_the_estimator_are_kept_and_those_of_its_own_file_too() -> None:
    given = load_config("qwen2.5-3b", ["credit.options.epsilon=1e-8", "credit.name=grpo"])
    assert given.credit.options == {"epsilon": 1e-8}
    same = load_config("qwen2.5-3b", ["credit=ig_search", "credit.options.alpha=0.5"])
    assert same.credit.options["alpha"] == 0.5
    assert same.credit.options["clip_at"] == 2.0
