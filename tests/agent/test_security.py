"""Nothing that comes from outside is run, and no secret is written down."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from pathlib import Path

import pytest
import torch
from small_policy import adamw, run_settings

import igs_agent
import igs_env
from igs_agent.checkpoint import RunState, load_checkpoint, save_checkpoint
from igs_agent.config_file import load_config
from igs_agent.policy import Policy, load_policy
from igs_agent.trainer import train
from igs_agent.weights import write_weights
from igs_agent.whole_folder import damage
from igs_env.datasets import open_corpus
from igs_env.errors import ConfigurationError
from igs_env.retrievers import make_retriever
from igs_env.retrievers.server import create_app, serving

SOURCES = [
    path for package in (igs_env, igs_agent) for path in Path(package.__path__[0]).rglob("*.py")
]


class Runs:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (open, (str(self.mark), "w"))  # type: ignore[return-value]


def test_no_module_unpickles_what_it_reads_or_runs_text() -> None:
    forbidden = re.compile(
        r"^\s*(?:import|from) (?:pickle|dill|shelve|marshal|joblib)\b|allow_pickle=True|"
        r"weights_only=False|trust_remote_code=True|yaml\.load\b|(?<![.\w])(?:eval|exec)\(",
        re.MULTILINE,
    )
    found = {path.name: forbidden.findall(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert {name: words for name, words in found.items() if words} == {}


def test_torch_reads_tensors_and_plain_values_only() -> None:
    loads = [
        line
        for path in SOURCES
        for line in path.read_text(encoding="utf-8").splitlines()
        if "torch.load(" in line
    ]
    assert loads
    assert all("weights_only=True" in line for line in loads)


def test_a_checkpoint_that_would_run_code_is_refused_and_runs_none(
    tmp_path: Path, policy: Policy
) -> None:
    folder, mark = tmp_path / "update-000001", tmp_path / "mark"
    state = RunState(update=1, best=0.0, without_improvement=0, offsets={})
    save_checkpoint(folder, policy, adamw(policy), state)
    torch.save({"optimizer": Runs(mark), "random": {}}, folder / "training.pt")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["training.pt"] = hashlib.sha256((folder / "training.pt").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert damage(folder) is None
    with pytest.raises(pickle.UnpicklingError):
        load_checkpoint(folder, policy, adamw(policy))
    assert not mark.exists()


def test_weights_that_are_no_safetensors_are_refused_and_run_nothing(
    tmp_path: Path, policy: Policy
) -> None:
    folder, mark = tmp_path / "model", tmp_path / "mark"
    folder.mkdir()
    write_weights(policy, folder)
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Runs(mark)))
    with pytest.raises(ConfigurationError, match="no safetensors"):
        load_policy(folder)
    assert not mark.exists()


def test_a_password_in_an_address_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigurationError, match="IGS_TOKEN") as info:
        make_retriever("http://me:hunter2@127.0.0.1:8000/retrieve", None)
    assert "hunter2" not in str(info.value)


def test_the_token_is_in_no_file_of_a_run_and_in_no_log(
    tmp_path: Path,
    searcher_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret = "correct-horse-battery-staple"
    monkeypatch.setenv("IGS_TOKEN", secret)
    settings = run_settings(tmp_path / "run", searcher_folder, "updates=1", "evaluation.every=0")
    world = next(text for text in settings if text.startswith("env.questions=")).partition("=")[2]
    corpus = open_corpus(world)
    app = create_app(make_retriever("bm25", corpus), documents=len(corpus))
    with serving(app) as url:
        train(load_config(None, [*settings, f"env.retriever={url}"]))
    shown = capfd.readouterr()
    written = b"".join(p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file())
    assert b'"query"' in written, "the run recorded its searches"
    for text in (shown.out, shown.err, caplog.text):
        assert secret not in text
    assert secret.encode() not in written
