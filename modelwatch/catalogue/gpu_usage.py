"""What the GPU exporter says about who uses the cards, and what that costs."""

from modelwatch.catalogue.gpu import CARD
from modelwatch.catalogue.metric import Layer, Metric


def _of_model(name: str, kind: str, unit: str, text: str) -> Metric:
    return Metric(
        name=f"modelwatch_gpu_model_{name}",
        help=text,
        unit=unit,
        labels=(*CARD, "model"),
        layer=Layer.EXPOSED,
        kind=kind,
    )


GPU_MODEL_PROCESSES = _of_model(
    "processes",
    "gauge",
    "processes",
    "Processes of the model on the card; unattributed are those of no model that is known here.",
)
GPU_MODEL_MEMORY = _of_model(
    "memory_bytes", "gauge", "bytes", "Memory of the card that processes of the model hold."
)
GPU_MODEL_UTILIZATION = _of_model(
    "utilization_ratio",
    "gauge",
    "ratio",
    "Share of time that processes of the model kept the card busy, when the driver last looked.",
)
GPU_MODEL_CARD_SECONDS_TOTAL = _of_model(
    "card_seconds_total",
    "counter",
    "seconds",
    "Time of the card charged to the model, by share of memory where several use it; none is time "
    "in which nothing ran. Starts anew with the exporter; gaps above five minutes do not count.",
)
GPU_MODEL_COST_TOTAL = _of_model(
    "cost_usd_total",
    "counter",
    "USD",
    "The same time at the hourly price of the pool; absent where the inventory has no price.",
)
GPU_MODEL_IDLE_COST_TOTAL = _of_model(
    "idle_cost_usd_total",
    "counter",
    "USD",
    "The part of it in which the card was less busy than the pool's limit for idle cards.",
)


def _recorded(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"gpu:{name}",
        help=text,
        unit=unit,
        labels=("environment", "pool", *labels),
        layer=Layer.GPU,
    )


MODEL_CARDS = _recorded(
    "model_cards:rate15m", "cards", "Cards that the model held in 15 minutes.", "model"
)
MODEL_CARD_MEMORY = _recorded(
    "model_memory:bytes", "bytes", "Memory of the pool's cards that the model holds.", "model"
)
MODEL_CARD_COST = _recorded(
    "model_cost_usd:rate1h", "USD/s", "Price of the cards that the model held in 1 h.", "model"
)
MODEL_CARD_IDLE_COST = _recorded(
    "model_idle_cost_usd:rate1h", "USD/s", "The part of it in which the card was idle.", "model"
)
