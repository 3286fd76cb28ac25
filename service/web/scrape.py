"""What Prometheus and orchestrators ask: /metrics, /-/healthy and /-/ready."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import cast

from flask import Blueprint, Response, request
from prometheus_client.exposition import choose_encoder
from werkzeug.wsgi import wrap_file

from service.application import Application


class ChunkReader(io.RawIOBase):
    """Chunks of bytes as a file that is read without copying: what `read` returns is a view into one chunk.

    waitress copies bytes twice on their way to the kernel and a file once, which made a scrape of 100,000 series a third
    slower; and a reader that is slow to take the bytes holds no copy of them.
    """

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._chunks = chunks
        self._starts = [0, *accumulate(map(len, chunks))]
        self._position = 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._starts[-1]}[whence]
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes, and no more than the rest of the chunk at hand; none at the end."""
        if self._position >= self._starts[-1]:
            return b""
        index = bisect_right(self._starts, self._position) - 1
        begin = self._position - self._starts[index]
        view = memoryview(self._chunks[index])[begin : None if size < 0 else begin + size]
        self._position += len(view)
        return cast(bytes, view)


def make_scrape_blueprint(application: Application) -> Blueprint:
    """Return the routes that answer from what is already rendered; none of them touches the warehouse."""
    routes = Blueprint("scrape", __name__)

    @routes.get("/metrics")
    def metrics() -> Response:
        encoder, content_type = choose_encoder(request.headers.get("Accept", ""))
        is_openmetrics = content_type.startswith("application/openmetrics-text")
        exposition = application.exposition
        body = exposition.openmetrics if is_openmetrics else exposition.text
        tail = application.self_metrics.render(content_type, encoder)
        is_gzip = request.accept_encodings["gzip"] > 0
        chunks = body.finish_gzip(tail) if is_gzip else body.finish_plain(tail)
        application.self_metrics.count_scrape("openmetrics" if is_openmetrics else "text", "gzip" if is_gzip else "identity")
        file = wrap_file(request.environ, ChunkReader(chunks))  # type: ignore[arg-type]
        response = Response(file, content_type=content_type, direct_passthrough=True)
        response.content_length = sum(map(len, chunks))
        response.headers["Vary"] = "Accept, Accept-Encoding"
        if is_gzip:
            response.headers["Content-Encoding"] = "gzip"
        return response

    @routes.get("/-/healthy")
    def healthy() -> Response:
        return Response("healthy\n", content_type="text/plain; charset=utf-8")

    @routes.get("/-/ready")
    def ready() -> Response:
        if application.is_ready:
            return Response("ready\n", content_type="text/plain; charset=utf-8")
        return Response("not ready: no snapshot yet\n", 503, content_type="text/plain; charset=utf-8")

    return routes
