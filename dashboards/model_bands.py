"""What opens below the Model board about its past: is it as it was, and as forecast?"""

from dashboards.shared import of, usual
from modelwatch.board import Line, Panel, Row, Step
from modelwatch.catalogue.forecast import (
    FORECAST_AGE,
    FORECAST_AT,
    FORECAST_LOWER,
    FORECAST_LOWER_AT,
    FORECAST_UPPER,
    FORECAST_UPPER_AT,
    FORECAST_VALID_UNTIL,
    OUTLIERS,
    OUTLIERS_EXPECTED,
)
from modelwatch.catalogue.metric import Metric
from modelwatch.catalogue.seasonal import (
    BASELINE_LOWER,
    BASELINE_NOW,
    BASELINE_UPPER,
    BASELINE_WEEKS,
)
from modelwatch.promql import largest, on

_ENVIRONMENT = "{{environment}}"
_NO_BAND = "nothing recorded yet"


def _against_the_past(title: str, signal: str, unit: str, question: str) -> Panel:
    ends = (("upper", BASELINE_UPPER), ("lower", BASELINE_LOWER))
    forecast = (("upper", FORECAST_UPPER), ("lower", FORECAST_LOWER))
    return Panel(
        title=title,
        question=question,
        unit=unit,
        width=12,
        lines=(
            Line(query=of(BASELINE_NOW, signal=signal), legend=f"last hour {_ENVIRONMENT}"),
            usual(signal),
            *(
                Line(
                    query=of(metric, signal=signal),
                    legend=f"{end} limit by the weeks before {_ENVIRONMENT}",
                    objective=True,
                )
                for end, metric in ends
            ),
            *(
                Line(
                    query=of(metric, signal=signal),
                    legend=f"{end} end of the forecast {_ENVIRONMENT}",
                    color="blue",
                )
                for end, metric in forecast
            ),
        ),
        no_data=_NO_BAND,
    )


def _valid(metric: Metric, column: str) -> Line:
    """Values by the hour, of forecasts that have not expired."""
    return Line(
        query=f"""
            {largest(of(metric), by=metric.labels)}
              and {on()}
            {largest(of(FORECAST_VALID_UNTIL))} > time()
        """,
        column=column,
        unit="short",
    )


BANDS = Row(
    title="Against its own past",
    collapsed=True,
    panels=(
        Panel(
            title="Weeks known",
            question="On how many of the last four weeks do the limits by the weeks before rest? "
            "With fewer than two there are none, and no alert on them.",
            type="stat",
            unit="none",
            width=4,
            steps=(Step(color="amber"), Step(color="green", at=2)),
            lines=(Line(query=f"min({of(BASELINE_WEEKS)})"),),
            no_data="none yet",
        ),
        Panel(
            title="Forecast age",
            question="Is the forecast still made? One that is too old is not shown any more.",
            type="stat",
            unit="s",
            width=4,
            lines=(Line(query=f"max({of(FORECAST_AGE)})"),),
            no_data="nobody forecasts",
        ),
        Panel(
            title="Outliers in the last day",
            question="Which share of the last day's hours was odd? The grey line is what is "
            "expected where nothing is wrong.",
            unit="percentunit",
            width=16,
            height=4,
            lines=(
                Line(
                    query=of(OUTLIERS), legend=f"{{{{signal}}}} by {{{{detector}}}} {_ENVIRONMENT}"
                ),
                Line(
                    query=largest(of(OUTLIERS_EXPECTED), by=("model", "environment", "detector")),
                    legend=f"expected by {{{{detector}}}} {_ENVIRONMENT}",
                    objective=True,
                ),
            ),
            no_data="no valid forecast",
        ),
        _against_the_past(
            "Requests of the last hour",
            "requests",
            "reqps",
            "Is there more or less traffic than at this hour of the weeks before? Ask its callers.",
        ),
        _against_the_past(
            "Duration p95 of the last hour",
            "request_duration",
            "s",
            "Are answers slower or faster than at this hour of the weeks before? Compare tokens "
            "per request.",
        ),
        _against_the_past(
            "Tokens per request of the last hour",
            "tokens_per_request",
            "short",
            "Are requests longer or shorter than at this hour of the weeks before? Look for a "
            "changed prompt.",
        ),
        _against_the_past(
            "Spend of the last hour",
            "cost",
            "currencyUSD",
            "Is it dearer or cheaper per second than at this hour of the weeks before? Look at "
            "the costs.",
        ),
        Panel(
            title="Forecast of the coming day",
            question="What is expected at each hour (UTC), and what would be odd? Plan capacity "
            "and spend by it.",
            type="table",
            unit="short",
            width=24,
            lines=(
                _valid(FORECAST_AT, "Expected"),
                _valid(FORECAST_LOWER_AT, "Lower end"),
                _valid(FORECAST_UPPER_AT, "Upper end"),
            ),
            columns=("model", "environment", "signal", "hour"),
            sort_by="hour",
            sort_descending=False,
            no_data="no valid forecast",
        ),
    ),
)
