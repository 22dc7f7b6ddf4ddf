"""A client of the API for all that is not measured."""

import time
from typing import Any, Self

import httpx

from bench.plan import RefusedError

POLL_SECONDS = 0.1


class Api:
    """One endpoint, one set of headers, kept connections."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._client = httpx.Client(base_url=url, headers=headers, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def get(self, path: str) -> dict[str, Any]:
        return self._answer("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._answer("POST", path, body)

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._answer("PUT", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._answer("PATCH", path, body)

    def delete(self, path: str) -> None:
        self._answer("DELETE", path, None)

    def has(self, path: str) -> bool:
        return self._response("GET", path, None).status_code == httpx.codes.OK

    def wait(self, path: str, field: str, seconds: float) -> None:
        """Wait until everything in a list is available.

        Raises: RefusedError when it is not within the time.
        """
        deadline = time.monotonic() + seconds
        while any(each["status"] != "available" for each in self.get(path)[field]):
            if time.monotonic() > deadline:
                raise RefusedError(f"{path} is not ready after {seconds:.0f} s; is a worker up?")
            time.sleep(POLL_SECONDS)

    def _answer(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        response = self._response(method, path, body)
        if response.is_error:
            raise RefusedError(f"{method} {path} answers {response.status_code}: {response.text}")
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer

    def _response(self, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
        try:
            return self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise RefusedError(
                f"{self._client.base_url} does not answer ({error}); --url names another address."
            ) from error
