"""Runs the `py` blocks of docs/other-agents.md, each with its library, and records what happened.

    python -m benchmarks.peers.other_agents --hosts runs/hosts/bin/python

`benchmarks/peers/README.md` has the set-up. A block runs behind the page's `python` block that
defines `ig_search`, then behind a check of its own where it would only define something. A library
that cannot be imported by the interpreter is recorded as such, with the signatures that the page
relies on read from its installed source.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import re
import subprocess
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "other-agents.md"
RESULTS = Path(__file__).parent / "results" / "other_agents.json"
_BLOCK = re.compile(r"^```(py|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

PACKAGES = {
    "stable_baselines3": "stable-baselines3",
    "gem": "gem-llm",
    "skyrl_gym": "skyrl-gym",
    "skyrl": "skyrl",
    "verifiers": "verifiers",
    "verl": "verl",
}
"""Module that a block imports → the package that brings it."""
CHECKS = {
    "verl": """
from verl.trainer.ppo.core_algos import get_adv_estimator_fn
assert get_adv_estimator_fn("ig_search") is ig_search
kwargs = dict(token_level_rewards=rewards, response_mask=trained, config=None)
assert torch.equal(get_adv_estimator_fn("ig_search")(**kwargs, index=np.array(["q", "q"]))[0], found)
output = SearchOutput(prompt_ids=[1], response_ids=[2, 3], response_mask=[1, 1], metrics={},
                      token_rewards=[0.5, 1.0])
assert output.as_dict()["rm_scores"].tolist() == [0.5, 1.0]
""",
    "skyrl": """
assert "ig_search" in AdvantageEstimatorRegistry.list_available()
""",
    "skyrl_gym": """
id = gym.make("IGSearchQA-v0").unwrapped.task.questions[0].id
env = SearchText(extras={"question_id": id})
prompt, _ = env.init([])
output = env.step("<search>capital of Peru</search>")
assert not output["done"] and output["observations"][0]["role"] == "user"
assert env.step("<answer>x</answer>")["done"]
""",
    "verifiers": """
import asyncio
from types import SimpleNamespace

task = next(iter(SearchTaskset(vf.TasksetConfig())))

class Interaction:
    def __init__(self):
        self.replies = iter(["<search>capital of Peru</search>", "<answer>x</answer>"])
        self.rewards = {}
        self.trace = SimpleNamespace(info={}, record_reward=lambda n, v, w: self.rewards.update({n: v}))
    async def __aenter__(self): return self
    async def __aexit__(self, *_): return None
    async def turn(self, text=None):
        return SimpleNamespace(terminated=False, last_reply=next(self.replies))

played = Interaction()
agents = SimpleNamespace(player=SimpleNamespace(interaction=lambda task: played))
asyncio.run(SearchEnv.run(None, task, agents))
assert played.rewards == {"exact_match": 0.0}
first, second = played.trace.info["turn_rewards"]
assert isinstance(first, float) and second is None
""",
}
"""Module → what is tried behind its block."""
SIGNATURES = {
    "verl": {
        "trainer/ppo/core_algos.py": ["register_adv_est", "compute_grpo_outcome_advantage"],
        "experimental/agent_loop/agent_loop.py": ["as_dict"],
    },
    "skyrl": {
        "backends/skyrl_train/utils/ppo_utils.py": [
            "register_advantage_estimator",
            "compute_grpo_outcome_advantage",
        ]
    },
    "verifiers": {
        "v1/agent.py": ["interaction", "turn"],
        "v1/trace.py": ["record_reward"],
        "v1/taskset.py": ["load"],
        "v1/env.py": ["run"],
    },
}
"""Module → file → functions whose parameters are recorded."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", required=True, nargs="+", help="interpreters, tried in turn")
    args = parser.parse_args()
    record = [tried(args.hosts, module, block) for module, block in blocks()]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    for row in record:
        print(row["package"], row["version"], row["ran"])


def blocks() -> list[tuple[str, str]]:
    """(module, block) of every `py` block of the page."""
    found = [block for mark, block in _BLOCK.findall(PAGE.read_text("utf-8")) if mark == "py"]
    return [(next(m for m in PACKAGES if re.search(rf"(import|from) {m}\b", b)), b) for b in found]


def digest(block: str) -> str:
    """What the tests compare: a block that was changed must be run again."""
    return hashlib.sha256(block.encode()).hexdigest()[:16]


def before() -> str:
    """The page's `python` block that defines `ig_search`."""
    page = PAGE.read_text("utf-8")
    return next(b for mark, b in _BLOCK.findall(page) if mark == "python" and "def ig_search" in b)


def tried(hosts: list[str], module: str, block: str) -> dict[str, object]:
    """How a block ran in the first interpreter that can import its module."""
    row: dict[str, object] = {"package": PACKAGES[module], "block": digest(block)}
    for python in hosts:
        version = output(python, f"import importlib.metadata as m; print(m.version({PACKAGES[module]!r}))")
        if version is None:
            continue
        row["version"] = version.strip()
        row["signatures"] = signatures(python, module)
        program = "\n".join([before(), block, CHECKS.get(module, "")])
        run = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=600)
        lines = run.stderr.strip().splitlines() or [""]
        row["ran"] = run.returncode == 0 or lines[-1] and why(lines)
        return row
    return row | {"version": None, "ran": "not installed"}


def why(lines: list[str]) -> str:
    """The line of a traceback that names the error."""
    errors = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b", line)]
    return (errors or lines)[-1][:200]


def output(python: str, program: str) -> str | None:
    run = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=300)
    return run.stdout if run.returncode == 0 else None


def signatures(python: str, module: str) -> dict[str, list[str]]:
    """`file:function` → parameters, read from source."""
    if module not in SIGNATURES:
        return {}
    found = output(python, f"import importlib.util as u; print(u.find_spec({module!r}).origin)")
    folder = Path((found or "").strip()).parent
    read = {}
    for name, functions in SIGNATURES[module].items():
        tree = ast.parse((folder / name).read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in functions:
                each = node.args
                read[f"{name}:{node.name}"] = [a.arg for a in [*each.args, *each.kwonlyargs]]
    return read


if __name__ == "__main__":
    main()
