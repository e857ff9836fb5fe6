"""HTTP to the identity provider: answers of bounded size, as they are sent, and nobody else's address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx2

MOST_BYTES = 256 * 1024
"""Of one answer."""

Connect = Callable[[], httpx2.AsyncBaseTransport]
"""Makes what one exchange with the provider goes through."""


class AnswerUnfit(httpx2.TransportError):
    """The answer is too large, or is compressed, so that nobody knows how large it is."""


def over_network() -> Connect:
    """Connections with TLS, to whom the operating system trusts."""
    trusted = httpx2.create_ssl_context()
    return lambda: Bounded(httpx2.AsyncHTTPTransport(verify=trusted, trust_env=False))


class Bounded(httpx2.AsyncBaseTransport):
    """Passes answers on until they are too large."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._inner.handle_async_request(request)
        assert isinstance(answer.stream, httpx2.AsyncByteStream)
        if answer.headers.get("content-encoding", "identity").strip().lower() != "identity":
            await answer.aclose()
            raise AnswerUnfit("the answer is compressed", request=request)
        stream = _Counted(answer.stream, request)
        return httpx2.Response(answer.status_code, headers=answer.headers, stream=stream, extensions=answer.extensions)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, request: httpx2.Request) -> None:
        self._inner = inner
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for chunk in self._inner:
            received += len(chunk)
            if received > MOST_BYTES:
                raise AnswerUnfit("the answer is too large", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
