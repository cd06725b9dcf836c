"""Every way in which a host library cannot be used ends in one line that says what to do."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

import igs_agent.adapters.tianshou as adapter
from igs_agent.adapters.release import Release
from igs_agent.adapters.tianshou.library import RELEASE as TIANSHOU
from igs_agent.adapters.trl.library import RELEASE as TRL
from igs_env.errors import ConfigurationError, MissingPackageError

RELEASES = pytest.mark.parametrize("release", [TIANSHOU, TRL], ids=lambda r: r.package)

_WITHOUT_TIANSHOU = """
import sys
sys.modules["tianshou"] = None
import igs_agent.adapters.tianshou as adapter
vector, _ = adapter.MacroEnv("single-hop", sampler="none").reset(seed=0)
assert vector.shape == (259,)
for name in ("NativeVectorEnv", "IGModulatedGRPO"):
    try:
        getattr(adapter, name)
    except ImportError as error:
        print(error)
"""
_WITHOUT_TRL = """
import sys
for name in ("trl", "torch", "datasets", "accelerate"):
    sys.modules[name] = None
try:
    import igs_agent.adapters.trl
except ImportError as error:
    print(error)
"""


def printed(program: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    return run.stdout


def test_without_tianshou_the_presets_work_and_the_rest_ends_in_the_pip_command() -> None:
    assert printed(_WITHOUT_TIANSHOU) == 2 * (
        "igs_agent.adapters.tianshou needs tianshou, which is not installed: "
        'pip install "ig-search-gym[tianshou]"\n'
    )


def test_without_trl_and_what_comes_with_it_the_import_ends_in_the_pip_command() -> None:
    assert printed(_WITHOUT_TRL) == (
        'igs_agent.adapters.trl needs trl, which is not installed: pip install "ig-search-gym[trl]"'
        "\n"
    )


@RELEASES
def test_a_missing_package_is_an_import_error(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, release.package, None)
    with pytest.raises(MissingPackageError, match="pip install") as raised:
        release.checked()
    assert isinstance(raised.value, ImportError)


def test_a_package_that_the_library_itself_lacks_is_not_mistaken_for_it() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        replace(TRL, signatures={"no_such_package.part:function": ()}).checked()


@RELEASES
def test_the_installed_release_is_the_tested_one_and_has_every_signature(release: Release) -> None:
    assert release.checked().__version__ == release.tested
    assert len(release.signatures) >= 3


@RELEASES
@pytest.mark.parametrize("version", ["0.9.2", "3.0.0"])
def test_another_major_release_is_refused(
    release: Release, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release.checked(), "__version__", version)
    with pytest.raises(ConfigurationError, match=rf"needs {release.package} \d\.x, got {version}"):
        release.checked()


@pytest.mark.parametrize(
    ("release", "name", "said"),
    [
        (TIANSHOU, "tianshou.env:BaseVectorEnv.reset", "BaseVectorEnv.reset takes no places"),
        (TIANSHOU, "tianshou.env:BaseVectorEnv.gone", "there is no tianshou.env:BaseVectorEnv.go"),
        (TIANSHOU, "tianshou.gone:Anything", "there is no tianshou.gone:Anything"),
        (TRL, "trl:GRPOTrainer.__init__", "GRPOTrainer.__init__ takes no places"),
        (TRL, "trl:GRPOTrainer._generate_and_praise", "there is no trl:GRPOTrainer._generate_and_"),
        (TRL, "trl.gone:Anything", "there is no trl.gone:Anything"),
    ],
)
def test_a_changed_signature_is_named(release: Release, name: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        replace(release, signatures={name: ("places",)}).checked()
    assert f"{release.package}=={release.tested}" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_attribute_that_there_is_not() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'NoSuchName'"):
        _ = adapter.NoSuchName
