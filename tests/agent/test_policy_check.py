"""A policy that could not play an episode is refused before the first, and says why."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
from small_policy import run_settings, small_policy, small_task
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from igs_agent.cli import main
from igs_agent.policy import Policy
from igs_agent.policy_check import check_policy
from igs_agent.weights import write_weights
from igs_env.errors import ConfigurationError


def without(character: str) -> Policy:
    """A policy whose tokenizer knows every character of the world but one."""
    known = sorted(set(map(chr, range(32, 127))) - {character})
    letters = Tokenizer(models.WordLevel({c: i for i, c in enumerate(["?", *known])}, "?"))
    letters.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    letters.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=letters, unk_token="?")
    return replace(small_policy(), tokenizer=tokenizer)


def test_a_tokenizer_that_cannot_write_a_tag_is_refused_with_what_it_makes_of_it() -> None:
    with pytest.raises(ConfigurationError, match=r"cannot write '<search>': its tokenizer makes"):
        check_policy(without("<"), small_task(), 16)
    check_policy(without("~"), small_task(), 16)


def test_a_token_without_an_embedding_is_refused() -> None:
    policy = small_policy()
    tokenizer = copy.deepcopy(policy.tokenizer)
    tokenizer.add_tokens(["<answer>"])
    broken = replace(policy, tokenizer=tokenizer)
    with pytest.raises(ConfigurationError, match="token 600 for '<answer>', its model only 600"):
        check_policy(broken, small_task(), 16)


def test_a_context_that_no_prompt_fits_is_refused_with_the_numbers() -> None:
    policy = small_policy(context=40)
    check_policy(policy, small_task(), 8)
    with pytest.raises(ConfigurationError, match=r"a turn up to 39, but .* no more than 40"):
        check_policy(policy, small_task(), 39)


@pytest.mark.parametrize("verb", ["train", "dry run", "eval", "ask"])
def test_every_verb_that_plays_looks_first(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_weights(small_policy(context=40), tmp_path / "policy")
    policy, run = tmp_path / "policy", tmp_path / "run"
    settings = run_settings(run, policy)
    world = ["--questions", settings[2].partition("=")[2], "--protocol", "plain"]
    calls = {
        "train": ["train", *settings],
        "dry run": ["train", "--dry-run", *settings],
        "eval": ["eval", "--policy", str(policy), *world, "--max-tokens", "39"],
        "ask": ["ask", "Who?", "--policy", str(policy), *world, "--max-tokens", "39"],
    }
    assert main(calls[verb]) == 2
    assert "reads no more than 40" in capsys.readouterr().err
    assert not run.exists()
