"""Receives a file of up to 200 MB onto the disk, raw or as a part of a form, a piece at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from creditbank.api.problems import UnsupportedMediaType
from creditbank.domain import errors
from creditbank.vault.durable import sync_file, sync_folder

PIECE = 1024 * 1024
FIELD_BYTES = 64 * 1024
NAME_LENGTH = 200
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NDJSON = "application/x-ndjson"
MEDIA_TYPES = {"csv": "text/csv", "xlsx": XLSX, "ndjson": NDJSON}
RAW_TYPES = (*MEDIA_TYPES.values(), "application/octet-stream")
FORM = "multipart/form-data"
FILE_FIELD = "file"


class MalformedForm(errors.Malformed):
    """The body is not the form that its header announces, or holds no file."""

    code = "malformed_form"


if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that lies where it was wanted; `fields` are what else the form held."""

    name: str | None
    sha256: bytes
    bytes: int
    fields: Mapping[str, str] = field(default_factory=dict)


async def receive(request: Request, target: Path) -> Upload:
    """Raises UnsupportedMediaType or MalformedForm."""
    media_type, options = parse_options_header(request.headers.get("content-type"))
    kind = media_type.decode("latin-1").lower()
    if kind not in (FORM, *RAW_TYPES):
        raise UnsupportedMediaType
    with target.open("wb") as file:
        sink = _Sink(file)
        if kind == FORM:
            return await _receive_form(request, options.get(b"boundary", b""), sink)
        async for piece in request.stream():
            await sink.write(piece)
        await sink.finish()
        return sink.upload(_name_of(request.headers.get("content-disposition")), {})


class _Sink:
    """Hashes and writes in large pieces, in another thread: both take longer than the loop should wait."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = sha256()
        self._waiting = bytearray()
        self._bytes = 0

    def take(self, piece: bytes) -> None:
        self._waiting += piece

    async def write(self, piece: bytes) -> None:
        self.take(piece)
        if len(self._waiting) >= PIECE:
            await self.flush()

    async def flush(self) -> None:
        pieces, self._waiting = bytes(self._waiting), bytearray()
        self._bytes += len(pieces)
        await run_in_threadpool(self._write, pieces)

    async def finish(self) -> None:
        """Write what is left; nobody is told that the file is here before it would outlast a power cut."""
        await self.flush()
        await run_in_threadpool(self._sync)

    def upload(self, name: str | None, fields: Mapping[str, str]) -> Upload:
        return Upload(name=name, sha256=self._hash.digest(), bytes=self._bytes, fields=fields)

    def _sync(self) -> None:
        sync_file(self._file)
        sync_folder(Path(self._file.name).parent)

    def _write(self, pieces: bytes) -> None:
        self._hash.update(pieces)
        self._file.write(pieces)
        self._file.flush()


async def _receive_form(request: Request, boundary: bytes, sink: _Sink) -> Upload:
    form = _Form(sink)
    try:
        parser = MultipartParser(boundary, form.callbacks())
        async for piece in request.stream():
            parser.write(piece)
            await sink.write(b"")
        parser.finalize()
    except FormParserError:
        raise MalformedForm from None
    await sink.finish()
    if not form.has_file:
        raise MalformedForm
    return sink.upload(form.file_name, form.fields)


class _Form:
    """Takes the parts of a form as they come: the file goes to the sink, small fields are kept."""

    def __init__(self, sink: _Sink) -> None:
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None
        self.has_file = False
        self._sink = sink
        self._header = [bytearray(), bytearray()]
        self._disposition = ""
        self._field: str | None = None
        self._content = bytearray()
        self._is_file = False

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._data,
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._disposition, self._field, self._content, self._is_file = "", None, bytearray(), False

    def _end_header(self) -> None:
        name, value = self._header
        if bytes(name).lower() == b"content-disposition":
            self._disposition = value.decode("utf-8", "replace")
        self._header = [bytearray(), bytearray()]

    def _end_headers(self) -> None:
        found = _parameters(self._disposition)
        if found.get("name") == FILE_FIELD and not self.has_file:
            self._is_file = self.has_file = True
            self.file_name = _bounded(found.get("filename"))
        elif found.get("name") and len(self.fields) < NAME_LENGTH:
            self._field = found["name"]

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._field is not None:
            self._content += data[start:end]
            if len(self._content) > FIELD_BYTES:
                raise FormParserError("a field is too long")
        elif self._is_file:
            self._sink.take(data[start:end])

    def _end(self) -> None:
        if self._field is not None:
            self.fields[self._field] = self._content.decode("utf-8", "replace")


def _name_of(disposition: str | None) -> str | None:
    """The file name of a Content-Disposition header (RFC 6266), which no log of addresses ever sees."""
    return _bounded(_parameters(disposition).get("filename")) if disposition else None


def _parameters(disposition: str) -> dict[str, str]:
    message = Message()
    message["Content-Disposition"] = disposition.replace("\n", " ").replace("\r", " ")
    found = {key: value for key, value in message.get_params([], "content-disposition") if isinstance(value, str)}
    if (name := message.get_filename()) is not None:
        found["filename"] = name
    return found


def _bounded(name: str | None) -> str | None:
    """The last step of a path, made of signs that may stand in a header."""
    if name is None:
        return None
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable())[:NAME_LENGTH] or None
