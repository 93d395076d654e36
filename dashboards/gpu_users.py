"""The row of the GPU board about who uses the cards, as far as our GPU exporter runs there."""

from modelwatch.board import Line, Panel, Row
from modelwatch.catalogue.gpu_usage import (
    MODEL_CARD_COST,
    MODEL_CARD_IDLE_COST,
    MODEL_CARD_MEMORY,
    MODEL_CARDS,
)
from modelwatch.promql import select

_POOLS = {"environment": "~$environment", "pool": "~$pool"}
_LEGEND = "{{model}} in {{pool}} / {{environment}}"
_NO_EXPORTER = "no pool here is read by modelwatch's GPU exporter"

USERS = Row(
    title="Who uses them",
    panels=(
        Panel(
            title="Cards in use by model",
            question="How many cards does each model hold? Unattributed is of no known model, "
            "none is nobody's.",
            unit="none",
            lines=(Line(query=select(MODEL_CARDS, _POOLS), legend=_LEGEND),),
            no_data=_NO_EXPORTER,
        ),
        Panel(
            title="Memory by model",
            question="Which model holds the memory, and does something hold it that should not?",
            unit="bytes",
            lines=(Line(query=select(MODEL_CARD_MEMORY, _POOLS), legend=_LEGEND),),
            no_data=_NO_EXPORTER,
        ),
        Panel(
            title="Money by model and hour",
            question="What does each model's share of the cards cost, and how much of it is idle?",
            unit="currencyUSD",
            lines=(
                Line(query=f"{select(MODEL_CARD_COST, _POOLS)} * 3600", legend=_LEGEND),
                Line(
                    query=f"{select(MODEL_CARD_IDLE_COST, _POOLS)} * 3600",
                    legend=f"idle: {_LEGEND}",
                ),
            ),
            no_data="no price, or no pool here is read by modelwatch's GPU exporter",
        ),
    ),
)
