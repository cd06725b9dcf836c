"""Every way in which Tianshou cannot be used ends in one line that says what to do."""

from __future__ import annotations

import subprocess
import sys

import pytest

import igs_agent.adapters.tianshou as adapter
from igs_agent.adapters.tianshou.library import SIGNATURES, TESTED, checked_tianshou
from igs_env.errors import ConfigurationError, MissingPackageError

_BLOCKED = """
import sys
sys.modules["tianshou"] = None
import igs_agent.adapters.tianshou as adapter
vector, _ = adapter.MacroEnv("single-hop", sampler="none").reset(seed=0)
assert vector.shape == (259,)
try:
    adapter.{name}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["NativeVectorEnv", "IGModulatedGRPO"])
def test_without_tianshou_the_presets_work_and_the_rest_ends_in_the_pip_command(name: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", _BLOCKED.format(name=name)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert run.stdout == (
        "igs_agent.adapters.tianshou needs tianshou, which is not installed: "
        'pip install "ig-search-gym[tianshou]"\n'
    )


def test_a_missing_package_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tianshou", None)
    with pytest.raises(MissingPackageError, match="pip install") as raised:
        checked_tianshou()
    assert isinstance(raised.value, ImportError)


def test_the_installed_release_is_the_tested_one_and_has_every_signature() -> None:
    assert checked_tianshou().__version__ == TESTED
    assert len(SIGNATURES) > 5


@pytest.mark.parametrize("version", ["1.2.0", "3.0.0"])
def test_another_major_release_is_refused(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked_tianshou(), "__version__", version)
    with pytest.raises(ConfigurationError, match=rf"needs tianshou 2\.x, got {version}: pip inst"):
        checked_tianshou()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tianshou.env:BaseVectorEnv.reset", "BaseVectorEnv.reset takes no places"),
        ("tianshou.env:BaseVectorEnv.gone", "there is no tianshou.env:BaseVectorEnv.gone"),
        ("tianshou.gone:Anything", "there is no tianshou.gone:Anything"),
    ],
)
def test_a_changed_signature_is_named(name: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        checked_tianshou({name: ("places",)})
    assert f"tianshou=={TESTED}" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_attribute_that_there_is_not() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'NoSuchName'"):
        _ = adapter.NoSuchName
