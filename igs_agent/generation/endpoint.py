"""Exchanges with a server that samples tokens: JSON out, JSON back, failures in plain words."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx

from igs_env.errors import ConfigurationError

Item = TypeVar("Item")
Result = TypeVar("Result")

KEY = "IGS_SERVER_KEY"
"""Environment variable with the server's bearer token, where it asks for one: a secret in a
configuration would end up in every run folder."""
ATTEMPTS = 3
_HINTS = {
    401: f"set the environment variable {KEY}",
    403: f"set the environment variable {KEY}",
    404: "check the address and the model's name; vLLM offers control only with "
    "VLLM_SERVER_DEV_MODE=1",
    400: "see what it says; a context may be longer than the server's limit",
}


class ServerError(ConfigurationError):
    """The server could not be reached, refused, or does not say what is needed."""


class Endpoint:
    """One server, over connections that are kept open."""

    def __init__(self, url: str, *, connections: int = 64, timeout: float = 600.0) -> None:
        """Nothing is sent yet.

        Args:
            url: where the server listens, such as `http://127.0.0.1:8000`, with or without `/v1`.
            connections: requests under way at once.
            timeout: seconds for a whole answer.

        Raises:
            ConfigurationError: no address of a server.
        """
        if not url.startswith(("http://", "https://")):
            raise ConfigurationError(f"a server's address starts with http:// or https://: {url!r}")
        self.url = url.rstrip("/").removesuffix("/v1")
        key = os.environ.get(KEY)
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=10.0),
            limits=httpx.Limits(max_connections=connections),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            trust_env=False,
        )
        self._pool = ThreadPoolExecutor(connections, thread_name_prefix="igs-generate")

    def map(self, action: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Results in order, as many at once as there may be connections."""
        return list(self._pool.map(action, items))

    def only_model(self) -> str:
        """Name of the model that is served; the first, where there are several.

        Raises:
            ServerError: no usable answer.
        """
        answer = self._exchange("GET", "/v1/models", None)
        models = answer.get("data") if isinstance(answer, dict) else None
        if not models:
            raise ServerError(f"{self.url}/v1/models names no model: {str(answer)[:200]}")
        return str(models[0]["id"])

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that the server answers; None for an empty answer.

        Raises:
            ServerError: no usable answer. What may pass is tried three times before.
        """
        return self._exchange("POST", path, body)

    def close(self) -> None:
        """Close the connections."""
        self._pool.shutdown()
        self._client.close()

    def _exchange(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        failure = ""
        for attempt in range(ATTEMPTS):
            time.sleep(0.5 * attempt)
            try:
                response = self._client.request(method, self.url + path, json=body)
            except httpx.TransportError as error:
                failure = f"could not be reached ({type(error).__name__}: {error}); does it run?"
                continue
            if response.status_code < 500:
                return self._content(path, response)
            failure = f"answered {response.status_code} {response.text[:200]!r}; see its log"
        raise ServerError(f"{self.url}{path} {failure} (tried {ATTEMPTS} times)")

    def _content(self, path: str, response: httpx.Response) -> Any:
        status = response.status_code
        if status >= 300:
            hint = _HINTS.get(status, "see what it says")
            raise ServerError(f"{self.url}{path} answered {status} {response.text[:300]!r}; {hint}")
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise ServerError(
                f"{self.url}{path} answered no JSON but {response.text[:80]!r}; is this a server "
                "that speaks OpenAI's dialect?"
            ) from error
