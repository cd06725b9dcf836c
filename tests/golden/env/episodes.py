"""One fixed episode per protocol, as JSON.

Write the committed files anew, after a change that is meant to change episodes, with

    python tests/golden/env/episodes.py

and read the difference before committing it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "env"))

from scripted import CORPUS, QUESTIONS, OverlapRetriever  # noqa: E402

from igs_env.env import SearchEnv  # noqa: E402
from igs_env.protocols import PROTOCOLS  # noqa: E402

OUTPUTS = (
    "<think>I do not know.</think>\n<search> Alpha is a film </search> discarded",
    "<refine>Alpha was directed by Delta Reyes.</refine> <search></search>",
    "<search>a film of 1960 in Peru</search>",
    "<search>one search too many</search>",
    "<answer>Delta someone</answer>",
)


def record(protocol: str) -> dict[str, Any]:
    """The episode of question q00 with seed 7, step by step."""
    env = SearchEnv(
        questions=QUESTIONS,
        corpus=CORPUS,
        retriever=OverlapRetriever(),
        protocol=protocol,
        reward="staircase",
        max_searches=2,
        max_document_length=45,
        render_mode="ansi",
    )
    prompt, info = env.reset(seed=7, options={"question_id": "q00"})
    steps = [{"observation": prompt, "info": plain(info)}]
    for output in OUTPUTS:
        observation, reward, terminated, truncated, info = env.step(output)
        steps.append(
            {
                "output": output,
                "observation": observation,
                "reward": reward,
                "terminated": terminated,
                "truncated": truncated,
                "info": plain(info),
            }
        )
    assert env.episode is not None
    return {"steps": steps, "transcript": env.episode.transcript, "render": env.render()}


def plain(info: dict[str, Any]) -> dict[str, Any]:
    """`info` as JSON holds it: documents as rows, tuples as lists."""
    rows = [[d.id, d.title, d.text, d.score] for d in info["documents"]]
    return json.loads(json.dumps({**info, "documents": rows}))


def path(protocol: str) -> Path:
    """The committed file of a protocol."""
    return HERE / f"{protocol}.json"


if __name__ == "__main__":
    for name in PROTOCOLS:
        text = json.dumps(record(name), indent=1, ensure_ascii=False)
        path(name).write_text(text + "\n", encoding="utf-8")
