"""A server in vLLM's dialect around the native generator: a real one, without vLLM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response

from igs_agent.generation import Request as Continuation
from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import Policy
from igs_agent.weights import read_weights
from igs_env.retrievers.server import serving

STOPS = ("</search>", "</answer>")


@dataclass
class TokenServer:
    """What it holds, what it was asked, and how it misbehaves."""

    policy: Policy
    asked: list[dict[str, Any]] = field(default_factory=list)
    reloads: int = 0
    without: tuple[str, ...] = ()
    """Keys of a choice that are left out, as by servers that lack a feature."""
    status: int = 200
    deaf: bool = False
    """Answers to a reload, but keeps its weights."""
    failures: int = 0
    """So many completions are answered by 500 first."""

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        sampling = Sampling(temperature=body["temperature"], max_tokens=body["max_tokens"])
        request = Continuation(key="row", token_ids=body["prompt"], seed=body["seed"], turn=0)
        generator = NativeGenerator(self.policy)
        (drawn,) = generator.generate([request], sampling)
        ids = drawn.token_ids[: self._stop(drawn.token_ids)]
        choice = {
            "text": self.policy.decode(ids),
            "token_ids": ids,
            "logprobs": {"token_logprobs": drawn.log_probs[: len(ids)]},
        }
        return {"choices": [{k: v for k, v in choice.items() if k not in self.without}]}

    def _stop(self, ids: list[int]) -> int:
        """Tokens up to the first that completes a stop string."""
        for count in range(1, len(ids) + 1):
            if any(stop in self.policy.decode(ids[:count]) for stop in STOPS):
                return count
        return len(ids)


def token_app(server: TokenServer) -> FastAPI:
    app = FastAPI()

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        return {"data": [{"id": "served"}]}

    @app.post("/v1/completions")
    async def completions(request: Request) -> Any:
        server.asked.append({"path": "completions", **await request.json()})
        if server.failures:
            server.failures -= 1
            return Response("out of memory", status_code=500)
        if server.status != 200:
            return Response("no", status_code=server.status)
        return server.complete(server.asked[-1])

    @app.post("/collective_rpc")
    async def reload(request: Request) -> Response:
        body = await request.json()
        assert body["method"] == "reload_weights"
        server.reloads += 1
        if not server.deaf:
            read_weights(server.policy, Path(body["kwargs"]["weights_path"]))
        return Response()

    @app.post("/reset_prefix_cache")
    def reset() -> Response:
        return Response()

    return app


@contextmanager
def token_server(policy: Policy) -> Iterator[tuple[str, TokenServer]]:
    """(its address, the server)."""
    server = TokenServer(policy)
    with serving(token_app(server)) as url:
        yield url.removesuffix("/retrieve"), server
