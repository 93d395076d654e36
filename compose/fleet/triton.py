"""A Triton server that serves the vision model, started with `summary_latencies=true`."""

from compose.fleet.series import Summary, Value, labels, page
from compose.fleet.traffic import Arrivals, World, poisson

MODEL = "vision_detector"
QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)
SUMMARY_WINDOW_S = 60.0
"""Triton's summaries look back one minute; in the fleet's own time, as everything."""


class Triton:
    """One server. Times are in microseconds, counters have no `_total`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.arrivals = Arrivals(world=world, peak=40.0)
        self.id = labels(model=MODEL, version="5")
        window_s = max(2.0, SUMMARY_WINDOW_S / world.compression)
        self.success = Value(name="nv_inference_request_success", help="Requests answered.")
        self.inferences = Value(name="nv_inference_count", help="Inputs computed.")
        self.executions = Value(name="nv_inference_exec_count", help="Batches computed.")
        self.total_us = Value(name="nv_inference_request_duration_us", help="Time, summed up.")
        self.queue_us = Value(name="nv_inference_queue_duration_us", help="Waiting, summed up.")
        self.input_us = Value(
            name="nv_inference_compute_input_duration_us", help="Preparing inputs, summed up."
        )
        self.infer_us = Value(
            name="nv_inference_compute_infer_duration_us", help="Computing, summed up."
        )
        self.output_us = Value(
            name="nv_inference_compute_output_duration_us", help="Preparing outputs, summed up."
        )
        self.failure = Value(name="nv_inference_request_failure", help="Requests failed.")
        self.pending = Value(
            name="nv_inference_pending_request_count", help="Requests in the queue.", kind="gauge"
        )
        self.total_quantiles = Summary(
            name="nv_inference_request_summary_us",
            help="Quantiles of the time of a request.",
            quantiles=QUANTILES,
            window_s=window_s,
        )
        self.queue_quantiles = Summary(
            name="nv_inference_queue_summary_us",
            help="Quantiles of the time in the queue.",
            quantiles=QUANTILES,
            window_s=window_s,
        )
        for reason in ("REJECTED", "CANCELED", "BACKEND", "OTHER"):
            self.failure.add((*self.id, ("reason", reason)), 0)

    def __call__(self) -> str:
        """Let time pass and write the page."""
        requests = self.arrivals.since_last()
        for _ in range(requests):
            self._request()
        self.executions.add(self.id, round(requests / 1.6))  # the dynamic batcher joins some
        slow = "vision-slow" in self.world.incidents
        self.pending.set(self.id, poisson(self.world.chance, 9.0 if slow else 0.4))
        return page(
            (
                *(self.success, self.failure, self.inferences, self.executions, self.total_us),
                *(self.queue_us, self.input_us, self.infer_us, self.output_us, self.pending),
                *(self.total_quantiles, self.queue_quantiles),
            )
        )

    def _request(self) -> None:
        slower = 3.0 if "vision-slow" in self.world.incidents else 1.0
        queue = round(self.world.spread(2500 * slower, 0.5))
        prepare = round(self.world.spread(1800, 0.2))
        compute = round(self.world.spread(78_000 * slower, 0.24))
        write = round(self.world.spread(900, 0.2))
        total = queue + prepare + compute + write
        for counter, microseconds in (
            (self.total_us, total),
            (self.queue_us, queue),
            (self.input_us, prepare),
            (self.infer_us, compute),
            (self.output_us, write),
        ):
            counter.add(self.id, microseconds)
        now = self.world.now()
        self.total_quantiles.observe(self.id, total, now)
        self.queue_quantiles.observe(self.id, queue, now)
        self.inferences.add(self.id)
        if self.world.happens(0.0001):
            self.failure.add((*self.id, ("reason", "BACKEND")))
        else:
            self.success.add(self.id)
