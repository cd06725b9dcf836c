"""A generator behind a URL: vLLM, or any server that continues token ids and returns them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from igs_agent.generation.contract import Completion, Finish, Request, Sampling
from igs_agent.generation.endpoint import Endpoint, ServerError
from igs_agent.policy import Policy, selected_log_probs
from igs_agent.weights import write_weights
from igs_env.actions import action_end
from igs_env.errors import ConfigurationError

LARGEST_GAP = 0.5
"""Nats per token between server and policy that rounding cannot explain."""
_STOPS = ["</search>", "</answer>"]
_PROBE = "Question: Who wrote the play in which a prince of Denmark speaks to a skull?\n"


class ServerGenerator:
    """Continues sequences through `POST /v1/completions`, token ids in and token ids out.

    What is sampled there must be exactly what is trained on here: a request holds the context's
    ids, never text, and an answer must hold the ids that were drawn (`return_token_ids`) with
    their log-probabilities. vLLM ≥ 0.10.2 does both; a server that does not is refused. Prefixes
    are cached by the server.
    """

    def __init__(
        self,
        policy: Policy,
        url: str,
        *,
        weights: str | os.PathLike[str] | None = None,
        connections: int = 64,
        timeout: float = 600.0,
    ) -> None:
        """Ask the server which model it has; it must be the policy's.

        Args:
            policy: the same model here: its tokenizer, its end-of-sequence tokens, its weights.
            url: where the server listens, such as `http://127.0.0.1:8000`.
            weights: folder that this process writes and the server reads, for `push_weights`.
            connections: requests under way at once; one row is one request, so that a row's draws
                never depend on its neighbours.
            timeout: seconds for a whole answer.

        Raises:
            ServerError: it cannot be reached, or has no model.
        """
        self.policy = policy
        self.weights = Path(weights).absolute() if weights is not None else None
        self.endpoint = Endpoint(url, connections=connections, timeout=timeout)
        self.model = self.endpoint.only_model()

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Completion]:
        """See `Generator.generate`.

        Raises:
            ServerError: it cannot be reached, or its answers lack token ids or log-probabilities.
            ConfigurationError: a temperature other than 0 or 1: servers report log-probabilities
                at temperature 1.
        """
        if sampling.temperature not in (0.0, 1.0):
            raise ConfigurationError(
                "a server reports log-probabilities at temperature 1, so that rollouts through it "
                f"need temperature 1, or 0 for greedy ones; got {sampling.temperature}"
            )
        return self.endpoint.map(lambda request: self._complete(request, sampling), requests)

    def release(self, keys: Iterable[str]) -> None:
        """See `Generator.release`. The server evicts by itself."""

    def push_weights(self) -> float:
        """Make the server sample from the policy as it is now, and check that it does.

        The policy is written to `weights`, which the server reloads; its cached prefixes, which
        belong to the old weights, are dropped. vLLM offers both when it was started with
        `VLLM_SERVER_DEV_MODE=1`.

        Returns:
            What is left between the two engines: mean |difference| of the log-probabilities of a
            few tokens, in nats. Rounding alone gives 1e-6 (float32) to 0.05 (bfloat16).

        Raises:
            ServerError: the server cannot reload, or samples from something else.
        """
        if self.weights is None:
            raise ConfigurationError("pushing weights needs weights=, a folder the server can read")
        self.weights.mkdir(parents=True, exist_ok=True)
        write_weights(self.policy, self.weights, untied=True)
        reload = {"method": "reload_weights", "kwargs": {"weights_path": str(self.weights)}}
        self.endpoint.post("/collective_rpc", reload)
        self.endpoint.post("/reset_prefix_cache", {})
        gap = self._gap()
        if gap > LARGEST_GAP:
            raise ServerError(
                f"{self.endpoint.url} does not sample from the policy: log-probabilities differ by "
                f"{gap:.2f} nats per token after a reload of {self.weights}; start it with the "
                "model that is trained, on a file system where that folder is the same"
            )
        return gap

    def close(self) -> None:
        """Close the connections."""
        self.endpoint.close()

    def _gap(self) -> float:
        prompt = self.policy.encode_prompt(_PROBE)
        probe = Request(key="probe", token_ids=prompt, seed=0, turn=0)
        ids, log_probs = self._choice(prompt, probe, Sampling(max_tokens=16), 0)
        with torch.no_grad():
            context = torch.tensor([[*prompt, *ids]], device=self.policy.device)
            hidden = self.policy.hidden_states(input_ids=context)[0, len(prompt) - 1 : -1]
            own = selected_log_probs(self.policy.logits(hidden), context[0, len(prompt) :], 1.0)
        return float(np.abs(own.float().cpu().numpy() - np.array(log_probs)).mean())

    def _complete(self, request: Request, sampling: Sampling) -> Completion:
        """Ask until an action is complete: a stray closing tag stops the server, but no turn."""
        ids: list[int] = []
        log_probs: list[float] = []
        finish: Finish = "length"
        while len(ids) < sampling.max_tokens:
            more, their_log_probs = self._choice(
                [*request.token_ids, *ids], request, sampling, len(ids)
            )
            ids += more
            log_probs += their_log_probs
            if action_end(self.policy.decode(ids)) is not None:
                finish = "action"
                break
            if ids[-1] in self.policy.eos_ids:
                finish = "eos"
                break
        return Completion(token_ids=ids, log_probs=log_probs, finish=finish)

    def _choice(
        self, context: Sequence[int], request: Request, sampling: Sampling, written: int
    ) -> tuple[list[int], list[float]]:
        seed = np.random.SeedSequence([request.seed, request.turn, written]).generate_state(1)[0]
        answer = self.endpoint.post(
            "/v1/completions",
            {
                "model": self.model,
                "prompt": list(context),
                "max_tokens": sampling.max_tokens - written,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": sampling.top_k or -1,
                "seed": int(seed) % 2**31,
                "logprobs": 0,
                "stop": _STOPS,
                "include_stop_str_in_output": True,
                "return_token_ids": True,
            },
        )
        return self._tokens(answer)

    def _tokens(self, answer: Any) -> tuple[list[int], list[float]]:
        choices = answer.get("choices") if isinstance(answer, dict) else None
        if not choices:
            raise ServerError(f"{self.endpoint.url} answered without choices: {str(answer)[:200]}")
        ids, log_probs = choices[0].get("token_ids"), choices[0].get("logprobs")
        if not ids or not log_probs:
            missing = "token_ids" if not ids else "logprobs"
            raise ServerError(
                f"{self.endpoint.url} returned no {missing}; rollouts need a server that takes "
                "return_token_ids and logprobs, such as vLLM ≥ 0.10.2"
            )
        values = log_probs["token_logprobs"]
        if len(values) != len(ids):
            raise ServerError(
                f"{self.endpoint.url} gave {len(ids)} tokens and {len(values)} logprobs"
            )
        return list(ids), [float(value) for value in values]
