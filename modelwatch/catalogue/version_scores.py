"""What is recorded about the scores of a model's versions, beside each other."""

from modelwatch.catalogue.metric import MODEL, Layer, Metric


def _of_score(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"model:{name}",
        help=text,
        unit=unit,
        labels=(*MODEL, "score", *labels),
        layer=Layer.MODEL,
    )


VERSION_JUDGEMENTS = _of_score(
    "version_judgements:rate5m",
    "judgements/s",
    "Judged answers by verdict and version.",
    *("verdict", "version"),
)
VERSION_JUDGEMENTS_1D = _of_score(
    "version_judgements:events1d",
    "events",
    "Judged answers of a day by verdict and version.",
    *("verdict", "version"),
)
VERSION_BAD_LOWER_BOUND = _of_score(
    "version_bad_judgements:wilson_lower_1d",
    "ratio",
    "Share of bad answers of a version in use that is certain at 95 % over a day.",
    "version",
)
VERSION_BAD_BEFORE = _of_score(
    "version_before_bad_judgements:wilson_upper_1d",
    "ratio",
    "Largest share of bad answers, at 95 %, of the version that was judged longest in a day.",
)
