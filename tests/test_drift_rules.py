"""Drift as Prometheus records it, against numpy on the same increases and published numbers."""

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest

from alerts.recorded import drift, drift_counts
from generator.rule_files import record_file
from modelwatch.inventory import Settings
from modelwatch.rules import RecordGroup
from tests.drift_numbers import Numbers, Past, floors, rate, statistics
from tests.exporters.prometheus_server import api, prometheus, server, until

CLOSE = 1e-9
METHODS = {"numeric": 5, "words": 3}

# Counts at the edges of reference quantiles; PSI with 1e-4 for empty bins, JS with the natural
# logarithm. Data sets and libraries: docs/drift-statistics.md.
SHIFTED_10 = Past(counts=np.full(10, 500.0))
SHIFTED_10_NOW = np.array([418, 344, 402, 458, 489, 435, 442, 554, 639, 819.0])
SHIFTED_20 = Past(counts=np.full(20, 250.0), widths=np.ones(19))
SHIFTED_20_NOW = np.fromstring(
    "220 198 157 187 194 208 248 210 224 265 227 208 236 206 276 278 306 333 320 499", sep=" "
)
UNCHANGED_20 = Past(counts=np.full(20, 400.0), widths=np.ones(19))
UNCHANGED_20_NOW = np.array(
    [115, 101, 123, 85, 96, 83, 114, 110, 81, 97, 101, 95, 88, 116, 116, 113, 81, 90, 105, 90.0]
)
WORDS = Past(counts=np.array([2442, 1460, 887, 612, 340, 259.0]))
WORDS_NOW = np.array([893, 769, 604, 273, 309, 152.0])


@pytest.mark.parametrize(
    ("now", "past", "method", "published"),
    [
        (SHIFTED_10_NOW, SHIFTED_10, "psi", 0.06231851919834505),
        (SHIFTED_20_NOW, SHIFTED_20, "psi", 0.07189341349807439),
        (UNCHANGED_20_NOW, UNCHANGED_20, "psi", 0.017006251090209062),
        (WORDS_NOW, WORDS, "psi", 0.08154810510107714),
        (WORDS_NOW, WORDS, "js", 0.10058404866821516),
        # SciPy's chi-square, had there been 6 000 words now as well.
        (WORDS_NOW, WORDS, "chi2", (241.02669883286032 / 12000) ** 0.5),
    ],
)
def test_the_numbers_are_those_of_other_libraries(
    now: Numbers, past: Past, method: str, published: float
) -> None:
    assert statistics(now, past)[method] == pytest.approx(published, abs=CLOSE)


@pytest.mark.parametrize(
    ("now", "past", "exact"),
    [(SHIFTED_20_NOW, SHIFTED_20, 0.1038), (UNCHANGED_20_NOW, UNCHANGED_20, 0.021875)],
)
def test_kolmogorov_smirnov_of_bins_is_just_below_that_of_all_values(
    now: Numbers, past: Past, exact: float
) -> None:
    assert exact - 0.003 < statistics(now, past)["ks"] <= exact


@dataclass(kw_only=True)
class Feature:
    """What two replicas of the exporter show of one feature."""

    labels: Mapping[str, str]
    bins: Sequence[str]
    past: Past
    counts: tuple[Numbers, Numbers]
    rates: Mapping[str, tuple[tuple[int, int], float]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return "numeric" if self.past.widths is not None else "words"


EDGES = (
    ("-2.5", "-0.001", "0.0", "0.1", "100.0", "123456.0", "1e+06", "1.234567e+07"),
    ("-1e+06", "-100.5", "1e-05", "0.25", "1.0", "2.0", "5.0", "10.0", "1e+21"),
)
"""As Prometheus 3 writes them, whatever it was given; 2.42 keeps what it gets."""


def features() -> list[Feature]:
    chance = np.random.Generator(np.random.PCG64(6))
    found = [
        _numeric(f"number_{place}", EDGES[place % 2], chance, predicted="yes" if place == 7 else "")
        for place in range(16)
    ]
    found += [_words(f"word_{place}", 2 + place, chance) for place in range(8)]
    published = (
        ("reference_10", SHIFTED_10, SHIFTED_10_NOW),
        ("reference_20", SHIFTED_20, SHIFTED_20_NOW),
        ("reference_words", WORDS, WORDS_NOW),
    )
    for name, past, now in published:
        labels = _labels(name)
        bins = [f"{edge}.0" for edge in range(1, len(now))] + ["+Inf"]
        found.append(Feature(labels=labels, bins=bins, past=past, counts=(now, 0 * now)))
    return found


def _labels(name: str, **more: str) -> dict[str, str]:
    return {
        "model": "fraud",
        "environment": "production",
        "feature_name": name,
        "baseline": "3f2a51c09e77",
        **{key: text for key, text in more.items() if text},
    }


def _numeric(
    name: str, edges: Sequence[str], chance: np.random.Generator, *, predicted: str
) -> Feature:
    bins = len(edges) + 1
    past = chance.dirichlet(np.full(bins, 3.0))
    counts = [chance.multinomial(900, chance.dirichlet(20 * past)).astype(float) for _ in range(2)]
    return Feature(
        labels=_labels(name, predicted=predicted),
        bins=(*edges, "+Inf"),
        past=Past(counts=np.round(5000 * past) + 1, widths=chance.uniform(0.1, 2, bins - 1)),
        counts=(counts[0], counts[1]),
        rates={"missing": ((40, 7), 0.02), "out_of_range": ((3, 0), 0.0)},
    )


def _words(name: str, bins: int, chance: np.random.Generator) -> Feature:
    past = chance.dirichlet(np.full(bins, 2.0))
    counts = [chance.multinomial(700, past).astype(float) for _ in range(2)]
    counts[0][-1] = counts[1][-1] = 0
    return Feature(
        labels=_labels(name),
        bins=(*(f"w{number}" for number in range(bins - 1)), "other"),
        past=Past(counts=np.round(3000 * past)),
        counts=(counts[0], counts[1]),
        rates={"missing": ((0, 0), 0.1), "unseen": ((9, 2), 0.0)},
    )


def page(watched: Sequence[Feature], replica: int, *, counted: bool) -> Iterator[str]:
    """What one replica shows, before anything was counted or after."""
    yield "# TYPE modelwatch_drift_values histogram\n"
    for feature in watched:
        counts = feature.counts[replica] * counted
        shares = feature.past.shares
        if feature.past.widths is None:
            for word, count in zip(feature.bins, counts, strict=True):
                yield _sample("categories_total", feature, count, bin=word)
        else:
            edges, below = feature.bins, np.cumsum(counts)
            for number, edge in enumerate(edges):
                yield _sample("values_bucket", feature, below[number], le=edge)
                yield _sample("baseline_cdf_ratio", feature, np.cumsum(shares)[number], edge=edge)
                if number < len(feature.past.widths):
                    width = feature.past.widths[number]
                    yield _sample("baseline_bin_width_ratio", feature, width, edge=edge)
                if number:
                    before = edges[number - 1]
                    yield _sample("baseline_bin_info", feature, 1, edge=edge, previous_edge=before)
            yield _sample("values_count", feature, below[-1])
            yield _sample("values_sum", feature, 0)
        for name, share in zip(feature.bins, shares, strict=True):
            yield _sample("baseline_bin_ratio", feature, share, bin=name)
        yield _sample("baseline_samples", feature, feature.past.total)
        yield _sample("observations_total", feature, counts.sum() + 50 * counted)
        for kind, (found, share) in feature.rates.items():
            yield _sample(f"{kind}_total", feature, found[replica] * counted)
            yield _sample("baseline_rate_ratio", feature, share, method=kind)


def _sample(name: str, feature: Feature, value: float, **labels: str) -> str:
    text = ",".join(f'{key}="{word}"' for key, word in {**feature.labels, **labels}.items())
    return f"modelwatch_drift_{name}{{{text}}} {float(value)!r}\n"


def one_group() -> str:
    """All rules of drift in one group, so that each reads what those before it have just written.

    Every second instead of every four minutes; windows are as long as ever.
    """
    groups = (*drift_counts.GROUPS, *drift.GROUPS)
    whole = RecordGroup(
        name="drift", interval="1s", records=tuple(one for each in groups for one in each.records)
    )
    text = record_file((whole,), Settings())
    return re.sub(r"  - name: drift-\d+\n    interval: 1s\n    rules:\n", "", text)


@pytest.mark.real
def test_every_statistic_is_what_numpy_finds_in_the_increases_of_two_replicas(
    native_path: str, tmp_path: Path
) -> None:
    watched = features()
    counted = False

    def handler(replica: int) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = "".join(page(watched, replica, counted=counted)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing: tests do not read it."""

        return Handler

    (tmp_path / "drift.yml").write_text(one_group())
    with server(handler(0)) as first, server(handler(1)) as second:
        (tmp_path / "prometheus.yml").write_text(
            f"global: {{scrape_interval: 1s}}\nrule_files: [drift.yml]\n"
            f"scrape_configs: [{{job_name: drift, honor_labels: true, "
            f"static_configs: [{{targets: ['{first}', '{second}']}}]}}]\n"
        )
        with prometheus(tmp_path, native_path, configured=True) as url:
            until(lambda: len(_now(url, "modelwatch_drift_observations_total")) == 54, "scrapes")
            counted = True
            until(lambda: _agrees(url, watched), "an evaluation between two scrapes", 60)


def _agrees(url: str, watched: Sequence[Feature]) -> bool:
    """Whether some evaluation read just the samples that we can read again; then all must agree."""
    moments = {
        float(moment)
        for row in _now(url, 'model:drift:noise_floor{method="wasserstein"}[20s]')
        for moment, _ in row["values"]
    }
    for moment in sorted(moments)[-5:]:
        raw = {
            name: _increases(url, name, moment)
            for name in ("values_bucket", "categories_total", "observations_total")
        }
        rates = {k: _increases(url, f"{k}_total", moment) for k in ("missing", "unseen")}
        rates["out_of_range"] = _increases(url, "out_of_range_total", moment)
        recorded = _recorded(url, moment)
        if _same(raw, recorded, watched):
            for feature in watched:
                _compare(feature, raw, rates, recorded)
            return True
    time.sleep(1)
    return False


Series = Mapping[tuple[str, ...], float]
_KEY = ("feature_name", "method", "window", "le", "bin")


def _now(url: str, query: str, **at: str) -> list[dict[str, list[list[float]]]]:
    found: list[dict[str, list[list[float]]]] = api(url, "query", query=query, **at)["result"]
    return found


def _keyed(rows: Sequence[Mapping[str, Mapping[str, str]]]) -> Series:
    added: dict[tuple[str, ...], float] = defaultdict(float)
    for row in rows:
        labels, value = row["metric"], row["value"]
        added[tuple(labels.get(name, "") for name in _KEY)] += float(list(value)[1])
    return added


def _increases(url: str, name: str, moment: float) -> Series:
    """Of one hour, added up over replicas here and not by Prometheus."""
    query = f"increase(modelwatch_drift_{name}[1h])"
    return _keyed(api(url, "query", query=query, time=f"{moment:.3f}")["result"])


def _recorded(url: str, moment: float) -> dict[str, Series]:
    """What was written at this very moment."""
    names = ("model:drift:statistic", "model:drift:noise_floor", "model:drift:samples")
    return {
        name.rpartition(":")[2]: _keyed(
            api(
                url,
                "query",
                query=f"{name} and timestamp({name}) == {moment:.3f}",
                time=f"{moment:.3f}",
            )["result"]
        )
        for name in names
    }


def _bins(feature: Feature, raw: Mapping[str, Series]) -> Numbers:
    name = str(feature.labels["feature_name"])
    if feature.past.widths is None:
        return np.array([raw["categories_total"][name, "", "", "", one] for one in feature.bins])
    below = np.array([raw["values_bucket"][name, "", "", one, ""] for one in feature.bins])
    return np.diff(below, prepend=0.0)


def _same(
    raw: Mapping[str, Series], recorded: Mapping[str, Series], watched: Sequence[Feature]
) -> bool:
    return all(
        recorded["samples"].get((str(one.labels["feature_name"]), "", "1h", "", ""), -1)
        == pytest.approx(_bins(one, raw).sum(), rel=1e-12)
        and _bins(one, raw).sum() > 0
        for one in watched
    )


def _compare(
    feature: Feature,
    raw: Mapping[str, Series],
    rates: Mapping[str, Series],
    recorded: Mapping[str, Series],
) -> None:
    name = str(feature.labels["feature_name"])
    now = _bins(feature, raw)
    distances = dict(statistics(now, feature.past))
    chance = dict(floors(np.asarray(now.sum()), feature.past))
    observed = raw["observations_total"][name, "", "", "", ""]
    for kind, (_, share) in feature.rates.items():
        distances[kind], chance[kind] = rate(
            np.asarray(rates[kind][name, "", "", "", ""]),
            np.asarray(observed),
            np.asarray(share),
            feature.past.total,
        )
    assert len(distances) == METHODS[feature.kind] + len(feature.rates)
    for window in ("1h", "6h", "1d"):
        for method, distance in distances.items():
            key = (name, method, window, "", "")
            assert recorded["statistic"][key] == pytest.approx(float(distance), abs=CLOSE), key
            assert recorded["noise_floor"][key] == pytest.approx(float(chance[method]), abs=CLOSE)
