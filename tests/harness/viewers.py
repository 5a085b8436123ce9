"""People who watch dashboards, in a process of their own: what they cost here is the site's.

They are given as JSON on standard input. Says when all have seen figures, watches until the input ends, and says how
often figures came.
"""

import asyncio
import json
import sys
from urllib.parse import urlsplit


class Watching:
    def __init__(self, number: int) -> None:
        self.events = 0
        self.seeing = asyncio.Semaphore(0)
        self.number = number

    async def watch(self, url: str, cookie: str) -> None:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: {cookie}\r\n\r\n".encode())
        is_new = True
        while line := await reader.readline():
            if line.startswith(b"data: <p data-summary>"):
                self.events += 1
                if is_new:
                    is_new = False
                    self.seeing.release()

    async def all_see(self) -> None:
        for _ in range(self.number):
            await self.seeing.acquire()


async def main() -> None:
    streams = json.loads(sys.stdin.readline())
    watching = Watching(len(streams))
    tasks = [asyncio.create_task(watching.watch(url, cookie)) for url, cookie in streams]
    await watching.all_see()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print(watching.events, sum(not task.done() for task in tasks), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
