"""Forecasts: what `modelwatch forecast` writes, and what is recorded of it while it is valid.

`signal` names what a series is of, as in `seasonal.py`: a forecast is of `model:seasonal:now`.
"""

from modelwatch.catalogue.metric import MODEL, Layer, Metric

DETECTORS = ("prophet", "ecod")
TOGETHER = "together"
"""The `signal` of a detector that judges all signals of an hour as one."""


def _exposed(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"modelwatch_forecast_{name}",
        help=text,
        unit=unit,
        labels=(*MODEL, *labels),
        layer=Layer.EXPOSED,
    )


def _recorded(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"model:forecast{name}",
        help=text,
        unit=unit,
        labels=(*MODEL, *labels),
        layer=Layer.MODEL,
    )


_HOUR = "at each full hour (UTC) of the coming day"
FORECAST_AT = _exposed(
    "value", "value", f"What the signal is expected to be {_HOUR}.", "signal", "hour"
)
FORECAST_LOWER_AT = _exposed(
    "lower", "value", f"Lower end of what is expected {_HOUR}.", "signal", "hour"
)
FORECAST_UPPER_AT = _exposed(
    "upper", "value", f"Upper end of what is expected {_HOUR}.", "signal", "hour"
)
FORECAST_MADE = _exposed(
    "made_timestamp_seconds", "timestamp", "When the forecast was made, in seconds since 1970."
)
FORECAST_VALID_UNTIL = _exposed(
    "valid_until_timestamp_seconds",
    "timestamp",
    "When the forecast ends to be valid, in seconds since 1970; nothing is recorded of it then.",
)
FORECAST_HISTORY = _exposed(
    "history_seconds", "seconds", "Measured hours that the forecast was learned from.", "signal"
)
OUTLIERS_FOUND = _exposed(
    "outliers_ratio",
    "ratio",
    "Share of the last day's hours that the detector calls outliers; it did not learn from them.",
    "signal",
    "detector",
)
OUTLIERS_SET = _exposed(
    "outliers_expected_ratio",
    "ratio",
    "Share that the detector is set to call outliers where nothing is wrong.",
    "signal",
    "detector",
)

FORECAST = _recorded(
    ":value",
    "value",
    "What the signal is expected to be now, while the forecast is valid.",
    "signal",
)
FORECAST_LOWER = _recorded(
    ":lower", "value", "Lower end of what is expected now, while the forecast is valid.", "signal"
)
FORECAST_UPPER = _recorded(
    ":upper", "value", "Upper end of what is expected now, while the forecast is valid.", "signal"
)
FORECAST_AGE = _recorded("_age:seconds", "seconds", "Age of the newest forecast, valid or not.")
FORECAST_LEFT = _recorded(
    "_left:seconds",
    "seconds",
    "How long the newest forecast stays valid; below zero it is not any more.",
)
OUTLIERS = _recorded(
    "_outliers:ratio",
    "ratio",
    "Share of outliers in the last day's hours, while the forecast is valid.",
    "signal",
    "detector",
)
OUTLIERS_EXPECTED = _recorded(
    "_outliers_expected:ratio",
    "ratio",
    "Share that the detector is set to call outliers where nothing is wrong.",
    "signal",
    "detector",
)
