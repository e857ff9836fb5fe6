"""What those who run the bank ask it: does it live, is it ready, how is it doing."""

from __future__ import annotations

import os

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from creditbank.api import addresses
from creditbank.domain.errors import NotFound, Unavailable

router = APIRouter(tags=["Operations"])


@router.get("/livez", response_class=PlainTextResponse, summary="Is the process alive")
async def livez() -> str:
    """Answers as long as the process answers at all. Touches neither database nor disk."""
    return "ok"


@router.get("/readyz", response_class=PlainTextResponse, summary="Can the bank do its work")
def readyz(request: Request) -> str:
    """503 with the names of the checks that failed: database reachable, schema at head."""
    failed: list[str] = request.app.state.readiness()
    if failed:
        raise Unavailable(members={"failed": failed})
    return "ok"


@router.get("/metrics", summary="Metrics of this process", responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Prometheus text, for loopback and the addresses that the settings list; nobody else learns that it exists."""
    settings = request.app.state.settings
    listed, proxies = addresses.networks(settings.metrics_addresses), addresses.networks(settings.trusted_proxies)
    if not addresses.is_local(request.scope, proxies, listed):
        raise NotFound
    return Response(generate_latest(_registry()), media_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    """All processes' metrics where several share a directory, else those of this one."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
