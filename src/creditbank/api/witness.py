"""The witness as a server of its own: two paths, no database, nothing of a bank."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from creditbank.audit.witness import MOST_REQUEST_BYTES, Witness


def create_witness(witness: Witness) -> FastAPI:
    """The application of a witness (c2sp.org/tlog-witness)."""
    app = FastAPI(title="creditbank witness", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/add-checkpoint")
    async def add_checkpoint(request: Request) -> Response:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MOST_REQUEST_BYTES:
                return Response(status_code=413)
        verdict = await run_in_threadpool(witness.add_checkpoint, bytes(body))
        return Response(verdict.text, status_code=verdict.status, media_type=verdict.media_type)

    @app.get("/{origin_hash}/checkpoint")
    def read_checkpoint(origin_hash: Annotated[str, Path(pattern="^[0-9a-f]{64}$")]) -> Response:
        note = witness.checkpoint(origin_hash)
        if note is None:
            return Response(status_code=404)
        return Response(note, media_type="text/plain; charset=utf-8")

    return app
