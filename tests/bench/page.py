"""The branch's own page: memory of its process, at rest and after a crowd, and how fast it answers."""

import json
import socket
import statistics
import time

from tests.integration.agent.page.page_process import page_and_agent
from tests.unit.agent.page.told import machine, told
from wire.messages import LinkState

PAGES = 200
CROWD = 40


def main() -> None:
    """Print one JSON document; times in ms from connecting to the last byte."""
    with page_and_agent(told(machine(wan1=LinkState.UP, wan2=LinkState.DOWN))) as (page, _):
        page.get()
        at_rest_mib = page.pss_mib()
        times_ms = []
        for _ in range(PAGES):
            began = time.perf_counter()
            page.get()
            times_ms.append((time.perf_counter() - began) * 1000)
        crowd = [
            socket.create_connection((page.host, page.port), 10, (f"127.0.0.{2 + number % 8}", 0))
            for number in range(CROWD)
        ]
        time.sleep(1)
        in_crowd_mib = page.pss_mib()
        for sock in crowd:
            sock.close()
        bytes_of_page = len(page.get()[2].encode())
    print(
        json.dumps(
            {
                "pss_mib": round(at_rest_mib, 1),
                "pss_mib_with_16_connections": round(in_crowd_mib, 1),
                "page_ms_median": round(statistics.median(times_ms), 2),
                "page_ms_p99": round(statistics.quantiles(times_ms, n=100)[-1], 2),
                "page_bytes": bytes_of_page,
            }
        )
    )


if __name__ == "__main__":
    main()
