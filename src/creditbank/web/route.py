"""Routes of pages: whoever reads HTML gets a problem as a page, whatever it is and wherever it is found."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.routing import APIRoute

from creditbank.api.problems import RENDERER
from creditbank.web.pages import PAGES, Pages


class PageRoute(APIRoute):
    """A route whose problems are pages for browsers, and documents for programs."""

    pages: ClassVar[Pages] = PAGES

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_as_page(request: Request) -> Response:
            if "text/html" in request.headers.get("accept", ""):
                request.scope[RENDERER] = self.pages.problem
            return await handle(request)

        return handle_as_page
