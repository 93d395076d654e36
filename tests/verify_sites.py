"""What a Prometheus under test knows."""

import requests


def count(address: str, query: str) -> int:
    """How many series answer a query."""
    reply = requests.get(f"{address}/api/v1/query", params={"query": query}, timeout=10)
    return len(reply.json()["data"]["result"])
