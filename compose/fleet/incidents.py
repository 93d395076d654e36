"""What can go wrong in the demo fleet, on demand."""

from dataclasses import dataclass, field

INCIDENTS = {
    "vision-slow": "the vision model takes three times as long (p95 far above 200 ms)",
    "chat-queue": "chat runs out of KV cache: requests queue and first tokens are late",
    "chat-silent": "no traffic reaches chat any more",
    "chat-errors": "one in five chat requests fails inside the engine",
    "provider-errors": "the provider of chat-hosted answers one request in three with 503",
    "rate-limited": "the provider of summarize answers four requests in ten with 429",
    "agent-tokens": "the agent reads ten times as many input tokens per request",
    "chat-wrong": "chat answers golden prompts wrongly",
    "chat-swapped": "another model answers under the name of chat",
    "quality-drop": "four chat answers in five are judged to be ungrounded",
    "gpu-hot": "card 1 of the pool is too hot and throttles",
    "gpu-lost": "card 3 of the pool is gone",
    "card-hot": "card 1 of the second pool is too hot and throttles",
    "card-lost": "card 1 of the second pool reports XID 79 and falls off the bus",
}
"""Name to what happens."""


@dataclass(slots=True)
class Incidents:
    """Which incidents are going on."""

    active: set[str] = field(default_factory=set)

    def begin(self, name: str) -> None:
        """Let it happen from now on.

        Raises:
            KeyError: there is no incident of this name.
        """
        self.active.add({known: known for known in INCIDENTS}[name])

    def clear(self) -> None:
        """End all of them."""
        self.active.clear()

    def __contains__(self, name: str) -> bool:
        return name in self.active
