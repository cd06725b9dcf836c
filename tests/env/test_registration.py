from __future__ import annotations

import json
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import gymnasium as gym
import pytest
from gymnasium.envs.registration import EnvSpec, registry
from scripted import LIVE

from igs_env import ENVIRONMENTS, register_environments
from igs_env.task import TaskOptions


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_registering_twice_changes_nothing_and_warns_of_nothing() -> None:
    before = {id: registry[id] for id in ENVIRONMENTS}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        register_environments()
    assert {id: registry[id] for id in ENVIRONMENTS} == before


@pytest.mark.parametrize("id", ENVIRONMENTS)
def test_a_registered_environment_has_names_and_numbers_as_arguments(id: str) -> None:
    spec = gym.spec(id)
    assert spec.kwargs == ENVIRONMENTS[id]
    assert set(spec.kwargs) <= set(TaskOptions.__annotations__)
    assert EnvSpec.from_json(spec.to_json()) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert json.loads(json.dumps(spec.kwargs)) == spec.kwargs
    # The rules limit an episode; Gymnasium's own limit is not passed to vector environments.
    assert spec.max_episode_steps is None
    assert not spec.nondeterministic


def test_importing_the_package_imports_neither_torch_nor_an_index_library() -> None:
    heavy = "torch", "faiss", "transformers", "sentence_transformers", "bm25s", "pyarrow", "httpx"
    code = f"import igs_env, sys; print([m for m in {heavy!r} if m in sys.modules])"
    assert python(code) == "[]"


def test_the_environments_module_imports_neither_torch_nor_an_index_library() -> None:
    heavy = "torch", "faiss", "transformers", "sentence_transformers", "bm25s", "httpx"
    code = (
        "import igs_env.env, igs_env.vector, sys; "
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    assert python(code) == "[]"


def test_the_module_form_of_an_id_imports_the_package() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import gymnasium as gym; "
        f"print(gym.make('igs_env:IGSearchQA-v0', **{LIVE!r}).reset(seed=0)[1]['action'])"
    )
    assert python(code) == "reset"


def test_importing_the_package_is_instant() -> None:
    code = "import time; t = time.perf_counter(); import igs_env; print(time.perf_counter() - t)"
    assert min(float(python(code)) for _ in range(3)) < 0.8
