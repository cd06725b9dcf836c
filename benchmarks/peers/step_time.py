"""Runs in the peers' environment: a step of 64 search episodes, without the time of retrieval.

Reads lines `gem` or `skyrl` and answers each with the CPU seconds of one step of all episodes. The
HTTP call is replaced by one that answers at once with three passages; everything else is the
peer's own public code.
"""

from __future__ import annotations

import json
import sys
import time
from types import SimpleNamespace

EPISODES = 64
PASSAGES = json.loads(sys.argv[1])
ACTION = sys.argv[2]


def gem():
    import msgspec
    from datasets import Dataset
    from gem.envs.qa_env import QaEnv
    from gem.tools import search_tool
    from gem.tools.tool_env_wrapper import ToolEnvWrapper

    found = [{"document": {"contents": text}} for text in PASSAGES]
    answer = SimpleNamespace(
        content=msgspec.msgpack.encode({"result": found}), raise_for_status=lambda: None
    )
    search_tool.requests = SimpleNamespace(post=lambda *a, **k: answer)
    data = Dataset.from_list([{"question": "Who?", "answer": "Nobody"}])

    def make():
        env = ToolEnvWrapper(
            QaEnv(dataset=data, load_from_cache_file=False),
            [search_tool.SearchTool(search_url="http://127.0.0.1:1")],
        )
        env.reset()
        return env

    return [make() for _ in range(EPISODES)]


def skyrl():
    from skyrl_gym.envs.search.env import SearchEnv, SearchEnvConfig

    found = [[{"document": {"contents": text}} for text in PASSAGES]]
    answer = SimpleNamespace(
        status_code=200, raise_for_status=lambda: None, json=lambda: {"result": found}
    )
    extras = {"reward_spec": {"ground_truth": {"target": ["Nobody"]}}, "max_turns": 10**9}

    def make():
        env = SearchEnv(SearchEnvConfig(search_url="http://127.0.0.1:1/retrieve"), extras)
        env.tool_group.session = SimpleNamespace(post=lambda *a, **k: answer)
        return env

    return [make() for _ in range(EPISODES)]


def main() -> None:
    makers = {"gem": gem, "skyrl": skyrl}
    for line in sys.stdin:
        environments = makers[line.strip()]()  # fresh: histories grow
        began = time.process_time()
        outputs = [environment.step(ACTION) for environment in environments]
        seconds = time.process_time() - began
        shown = str(outputs[0][0] if isinstance(outputs[0], tuple) else outputs[0]["observations"])
        assert PASSAGES[0][:40].split("\n")[0] in shown, shown
        print(json.dumps(seconds), flush=True)


main()
