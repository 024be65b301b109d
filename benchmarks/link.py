"""A link of limited speed: connections to an address of its own are relayed, all of them together at its rate."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Mapping
from types import TracebackType

Address = tuple[str, int]
_PIECE = 32 * 1024
# What a link may send at once after a pause, in seconds of its rate.
_BURST = 0.02


class Rate:
    """One direction's bytes: *rate* a second in all, however many connections share it."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free = 0.0
        self.bytes = 0

    async def take(self, size: int) -> None:
        """Wait until *size* bytes may go."""
        now = asyncio.get_running_loop().time()
        self.bytes += size
        self._free = max(self._free, now - _BURST) + size / self._rate
        await asyncio.sleep(max(0.0, self._free - now))


class Link:
    """``with Link({443: ("127.0.0.1", 4443)}, 12_500_000): ...``: relays each port of *address* at *rate* bytes/s."""

    address = "127.83.67.2"

    def __init__(self, targets: Mapping[int, Address], rate: float) -> None:
        self._targets = targets
        self._loop = asyncio.new_event_loop()
        self.up, self.down = Rate(rate), Rate(rate)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Link:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        self._servers = [
            await asyncio.start_server(self._relay(target), self.address, port)
            for port, target in self._targets.items()
        ]

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _relay(self, target: Address):  # type: ignore[no-untyped-def]  # asyncio's own callback type is private
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection(*target)
            both = _copy(reader, back, self.up), _copy(there, writer, self.down)
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await asyncio.gather(*both)
            for end in (writer, back):
                end.close()

        return connected


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rate: Rate) -> None:
    while piece := await reader.read(_PIECE):
        await rate.take(len(piece))
        writer.write(piece)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()
