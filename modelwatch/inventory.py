"""The inventory after reading: plain frozen data, every default filled in, every quantity exact."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import PurePath


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number in base units and the text it was written as (`200ms`, `99.9%`, `12 USD`)."""

    value: Decimal
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a model's or pool's series come from: our own scrape targets or an existing job.

    With `targets` we scrape them under the job `engine`; with `job` the series are already there,
    of all its targets or of `instances` only. `engine_model` is how the engine names the model,
    empty for engines without a model label.
    """

    engine: str
    engine_model: str = ""
    targets: tuple[str, ...] = ()
    job: str = ""
    instances: tuple[str, ...] = ()
    scheme: str = "http"
    path: str = ""
    version: str = ""
    file_sd: str = ""

    @property
    def scraped_job(self) -> str:
        """The `job` label that the source's series carry."""
        discovered = f"{self.engine}-{PurePath(self.file_sd).stem}" if self.file_sd else self.engine
        return self.job or discovered


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """A promise: `objective` of the events are good over `window_days`.

    `kind` is availability, latency, time_to_first_token, inter_token_latency, quality or freshness;
    it is also the `slo` label. `limit` is the longest good duration or age; `score` the judged one.
    """

    kind: str
    objective: Quantity
    window_days: int
    limit: Quantity | None = None
    score: str = ""
    floor_events: int | None = None

    @property
    def words(self) -> str:
        """The promise as people read it, such as `95% under 200ms`."""
        limit = f" under {self.limit.text}" if self.limit else ""
        return f"{self.objective.text}{limit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A limit outside SLOs; `labels` say which quantile, score, KPI, flag or feature it is for."""

    signal: str
    limit: Quantity
    hold: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a model costs. Token prices are USD per single token, by token kind."""

    tokens: Mapping[str, Quantity] = field(default_factory=dict)
    request: Quantity | None = None
    image: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A named quality score. `good` is the limit between good and bad in its own direction."""

    name: str
    direction: str = "higher"
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(1)
    good: Quantity
    minimum_samples: int = 30
    evaluated_every: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """A business figure that should not drop by more than `drop` against the week before."""

    name: str
    drop: Quantity
    hold: str
    events: str = ""
    opportunities: str = ""
    gauge: str = ""
    minimum_per_day: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What to watch for drift, against which baseline."""

    features: tuple[str, ...] = ()
    critical: tuple[str, ...] = ()
    method: str = "psi"
    baseline: str = ""
    limit: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a golden prompt's answer must be.

    `kind` is exact, contains, regex, json_schema or number; `value` is the text, the pattern, the
    schema as JSON text, or the number, which may be off by `tolerance`.
    """

    kind: str
    value: str
    tolerance: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a probe asks. `body` is the request as JSON text, where it is no chat (KServe, HTTP)."""

    name: str
    text: str = ""
    body: str = ""
    max_tokens: int = 16
    expect: Expectation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Synthetic requests to one model. Names are unique in the fleet: they are targets of `/probe`.

    `api` is openai_chat, openai_completions, openai_responses, openai_embeddings, anthropic,
    kserve, tgi or http. `url` is the base of the API (for `http` the whole address). `asks_for` is
    the model's name in requests; `serves` a pattern (`*` for any text) that the name in answers
    must match, empty for the same name. `answer` is where an `http` answer holds its text: keys and
    indices with dots. Of tokens and USD no more than the caps are spent per model and day (UTC);
    None is no cap.
    """

    name: str
    api: str
    url: str
    asks_for: str
    serves: str = ""
    stream: bool = True
    every: Quantity
    timeout: Quantity
    key_file: str = ""
    ca_file: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: str = ""
    prompts: tuple[Prompt, ...] = ()
    tokens_per_day: int | None = None
    usd_per_day: Quantity | None = None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """How a GPU host tells that a process is of this model, each a pattern with `*` for any text.

    Ports of the model's targets on the host count as well, without being named.
    """

    command: tuple[str, ...] = ()
    container: tuple[str, ...] = ()
    pod: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model in one environment. `retires` is the provider's date, as year-month-day."""

    name: str
    environment: str
    team: str
    tier: int
    policy: str
    version: str = ""
    owner: str = ""
    description: str = ""
    runbook: str = ""
    features: Mapping[str, Decimal] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    slos: tuple[Slo, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    floors: Mapping[str, int] = field(default_factory=dict)
    prices: Prices = field(default_factory=Prices)
    scores: tuple[Score, ...] = ()
    kpis: tuple[Kpi, ...] = ()
    own_past: tuple[str, ...] = ()
    drift: Drift | None = None
    pool: str = ""
    cards: Decimal = Decimal(0)
    probes: tuple[Probe, ...] = ()
    processes: Processes | None = None
    retires: str = ""
    line: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it: name and environment."""
        return (self.name, self.environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Money for a model, team, feature or environment (`scope`) per `month` or `day`.

    Days and months begin at midnight in `timezone`.
    """

    name: str
    scope: str
    subject: str
    environment: str
    amount: Quantity
    period: str
    shares: tuple[Decimal, ...]
    team: str
    tier: int
    policy: str
    members: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    timezone: str = "UTC"
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A group of GPUs."""

    name: str
    environment: str
    team: str
    tier: int
    policy: str
    cards: int = 0
    hosts: tuple[str, ...] = ()
    price_per_hour: Quantity | None = None
    sources: tuple[Source, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """One way to reach people: `kind` is pagerduty, slack, teams, email, webhook or jsm.

    Secrets are paths of files, never values.
    """

    name: str
    kind: str
    settings: Mapping[str, str]
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Working hours in which tickets are sent."""

    days: str = "monday:friday"
    start: str = "09:00"
    end: str = "17:00"
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who owns models and how pages and tickets reach them (names of receivers)."""

    name: str
    page: tuple[str, ...] = ()
    ticket: tuple[str, ...] = ()
    contact: str = ""
    on_call: str = ""
    hours: Hours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSignal:
    """One signal of a custom engine: a metric with labels, or any PromQL that yields base units.

    `kind` is counter, gauge, histogram or promql; `values` maps canonical label values to vendor
    label matches, such as outcome `success` to `2..`. Without a label the whole metric is `value`.
    """

    signal: str
    kind: str
    metric: str = ""
    promql: str = ""
    unit: str = ""
    label: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    value: str = ""
    buckets: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomEngine:
    """An engine that the inventory itself describes; its name is used as `engine:` of sources."""

    name: str
    model_label: str = ""
    port: int = 0
    path: str = "/metrics"
    signals: tuple[CustomSignal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteWrite:
    """A storage that Prometheus sends samples to; `send` is everything, or what was `scraped`.

    `query_url` is where Grafana asks it. Secrets are paths of files, never values.
    """

    url: str
    send: str = "everything"
    query_url: str = ""
    username: str = ""
    password_file: str = ""
    token_file: str = ""
    ca_file: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for the whole fleet.

    `time_compression` divides every window, hold and interval: a demo of hours in minutes.
    `constants` says who supplies the inventory's own series: `rules`, or the inventory `exporter`.
    """

    scrape_interval: str = "15s"
    time_compression: int = 1
    keep_firing_for: bool = True
    production: tuple[str, ...] = ("production",)
    grafana_url: str = "http://localhost:3000"
    runbook_url: str = "https://runbooks.example.com"
    prometheus_url: str = "http://localhost:9090"
    alertmanager_url: str = "http://localhost:9093"
    alertmanagers: tuple[str, ...] = ("localhost:9093",)
    alertmanager_version: str = "0.28"
    deadman: str = ""
    series_limit: int | None = None
    stack_team: str = ""
    constants: str = "rules"
    remote_write: tuple[RemoteWrite, ...] = ()
    external_labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everything that a file says, with defaults filled in and references resolved.

    `severities` maps a policy's name to urgency to severity; `thresholds` and `floors` are the
    defaults for models that set none themselves; `exporters` is where ours run, by name. `text` is
    the file as it was written; empty where there is none.
    """

    path: str
    settings: Settings
    teams: Mapping[str, Team]
    receivers: Mapping[str, Receiver]
    models: tuple[Model, ...]
    pools: tuple[Pool, ...]
    budgets: tuple[Budget, ...]
    severities: Mapping[str, Mapping[str, str]]
    thresholds: tuple[Threshold, ...]
    floors: Mapping[str, int]
    engines: Mapping[str, CustomEngine] = field(default_factory=dict)
    stack_sources: tuple[Source, ...] = ()
    exporters: Mapping[str, Source] = field(default_factory=dict)
    text: str = field(default="", repr=False, compare=False)
