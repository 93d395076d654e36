"""Forecasts: is a signal outside what was forecast for it, and is there still a forecast?

A forecast knows of growth, which the median of the weeks before does not: where the two disagree,
the model grew or shrank. It is as low in confidence, and never pages by itself.
"""

from alerts.about_stack import TICKET, about_stack
from alerts.limits import PLENTY, enough, few, limit
from modelwatch.catalogue.forecast import (
    FORECAST,
    FORECAST_LEFT,
    FORECAST_LOWER,
    FORECAST_UPPER,
)
from modelwatch.catalogue.inventory import MODEL_INFO
from modelwatch.catalogue.recorded import LIMIT, REQUESTS_1H
from modelwatch.catalogue.seasonal import BASELINE_NOW
from modelwatch.promql import largest, on, select
from modelwatch.rules import HOLD, Alert, Given, Proof, SignalClass, Urgency

_OF = on(*FORECAST.labels)
_SIGNAL = {"signal": "request_duration"}

# The label is renamed: `signal` of an alert says what the alert is about.
_OUTSIDE = f"""
    label_replace(
      {BASELINE_NOW} / {_OF} ({FORECAST} > 0)
        and {_OF}
      ({BASELINE_NOW} > {FORECAST_UPPER} or {BASELINE_NOW} < {FORECAST_LOWER}),
      "of", "$1", "signal", "(.+)"
    )
"""

ALERTS = [
    Alert(
        name="ModelOutsideForecast",
        signal="forecast",
        signal_class=SignalClass.TRAFFIC,
        urgency=Urgency.WATCH,
        needs=("requests",),
        condition=f"""
            {largest(_OUTSIDE, by=("model", "environment", "of"))}
              and {on()}
            {limit("anomaly")}
              and {on()}
            ({enough(REQUESTS_1H)} or {enough(select(FORECAST, signal="requests"))})
        """,
        labels=("of",),
        hold=HOLD,
        summary='{{ $labels.of }} of {{ $labels.model }} is {{ $value | printf "%.3g" }} times its '
        "forecast; the limit is the band around the forecast.",
        description="The signal over the last hour is outside the band of the newest forecast that "
        "is still valid, for the whole hold time. A forecast follows growth, so that this alert "
        "and the one on the weeks before disagree when a model grows or shrinks.",
        action=(
            "Look for a deployment, a prompt change or a new caller at the time it began.",
            "On the model board compare the forecast with the band of the weeks before: does only "
            "one of them disagree?",
            "If what happens now is meant to stay, wait: a later forecast learns it.",
        ),
        lies="A holiday or a launch. The band is set to leave out one hour in a hundred where "
        "nothing is wrong, and a forecast knows nothing of the day before it was made.",
        board="modelwatch-model",
        proof=Proof(
            row=LIMIT,
            where={"signal": "anomaly"},
            labels={"of": _SIGNAL["signal"]},
            value=lambda _: 2.0,
            given=(
                Given(metric=BASELINE_NOW, labels=_SIGNAL, fires=2.0, below=1.49),
                Given(metric=FORECAST, labels=_SIGNAL, fires=1.0),
                Given(metric=FORECAST_LOWER, labels=_SIGNAL, fires=0.5),
                Given(metric=FORECAST_UPPER, labels=_SIGNAL, fires=1.5),
                Given(metric=REQUESTS_1H, fires=PLENTY, quiet=few()),
            ),
        ),
    ),
    about_stack(
        "ForecastTooOld",
        signal="forecast_age",
        severity=TICKET,
        condition=f"""
            count(
              (
                {FORECAST_LEFT} < 0
                  or
                (present_over_time({FORECAST_LEFT}[1d]) unless {on()} {FORECAST_LEFT})
              )
                and {on()}
              {MODEL_INFO}
            )
              > 0
        """,
        hold="10m",
        summary="Models without a valid forecast, which had one: {{ $value | humanize }}; the "
        "limit is none. Their forecast bands have disappeared.",
        description="The job that makes the forecasts did not run in time, or what it wrote is no "
        "longer scraped. Bands, outlier shares and the alert on them end with it; the bands of "
        "the weeks before go on.",
        action=(
            "Look at the newest run of `modelwatch forecast`: did it start, and what did it say?",
            "Is its file where the collector reads it, and is the collector's target up?",
            "Run it by hand; what it writes is there with the next scrape.",
        ),
        lies="A day after a forecast vanished from the scrape it is forgotten, and the alert ends.",
        given=(
            Given(
                metric=FORECAST_LEFT,
                labels={"model": "chat", "environment": "production"},
                fires=-60,
                below=60,
            ),
            Given(
                metric=MODEL_INFO, labels={"model": "chat", "environment": "production"}, fires=1
            ),
        ),
        value=1,
    ),
]
