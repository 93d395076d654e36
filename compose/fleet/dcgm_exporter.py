"""A dcgm-exporter on a host with four cards; the vision model runs on the first two."""

from compose.fleet.series import Labels, Value, labels, page
from compose.fleet.traffic import World, season

CARDS = 4
HOST = "gpu-node-1"
MEMORY_MIB = 81_920
RESERVED_MIB = 551
IDLE_WATTS, LIMIT_WATTS = 62.0, 400.0

_GAUGES = {
    "DCGM_FI_DEV_SM_CLOCK": "Clock in MHz.",
    "DCGM_FI_DEV_MEM_CLOCK": "Clock of the memory in MHz.",
    "DCGM_FI_DEV_GPU_TEMP": "Temperature in degrees Celsius.",
    "DCGM_FI_DEV_MEMORY_TEMP": "Temperature of the memory in degrees Celsius.",
    "DCGM_FI_DEV_POWER_USAGE": "Power in watts.",
    "DCGM_FI_DEV_ENFORCED_POWER_LIMIT": "Power limit in watts.",
    "DCGM_FI_DEV_GPU_UTIL": "Busy time in percent.",
    "DCGM_FI_DEV_MEM_COPY_UTIL": "Busy time of the memory interface in percent.",
    "DCGM_FI_DEV_FB_FREE": "Free memory in MiB.",
    "DCGM_FI_DEV_FB_USED": "Used memory in MiB.",
    "DCGM_FI_DEV_FB_RESERVED": "Memory that the driver keeps, in MiB.",
    "DCGM_FI_DEV_ROW_REMAP_FAILURE": "Whether a bad row could not be replaced.",
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": "Active share of the engine.",
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": "Active share of the tensor cores.",
    "DCGM_FI_PROF_DRAM_ACTIVE": "Active share of the memory.",
}
_COUNTERS = {
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": "Energy in millijoules.",
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": "Repeated transfers.",
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": "Rows replaced for uncorrectable errors.",
    "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS": "Rows replaced for correctable errors.",
    "DCGM_FI_DEV_POWER_VIOLATION": "Nanoseconds held back by power.",
    "DCGM_FI_DEV_THERMAL_VIOLATION": "Nanoseconds held back by heat.",
    "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL": "Double-bit errors since the driver was loaded.",
}


class DcgmExporter:
    """One host. How busy a card is follows the season, as the requests do."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.last = world.now()
        self.energy_mj = [0.0] * CARDS
        self.throttled_ns = [0.0] * CARDS

    def __call__(self) -> str:
        """Let time pass and write the page."""
        now = self.world.now()
        step, self.last = now - self.last, now
        families = {
            **{name: Value(name=name, help=text, kind="gauge") for name, text in _GAUGES.items()},
            **{name: Value(name=name, help=text) for name, text in _COUNTERS.items()},
        }
        xid = Value(
            name="DCGM_FI_DEV_XID_ERRORS", help="Last error of the driver; 0 is none.", kind="gauge"
        )
        for card in range(CARDS):
            if card == 3 and "gpu-lost" in self.world.incidents:
                continue
            for name, value in self._card(card, step).items():
                families[name].set(_labels(card), value)
            xid.set((*_labels(card), ("err_code", "0"), ("err_msg", "No Error")), 0)
        return page((*families.values(), xid))

    def _card(self, card: int, step: float) -> dict[str, float]:
        hot = card == 1 and "gpu-hot" in self.world.incidents
        vision = card < 2
        busy = (0.9 if vision else 0.7) * season(self.world.hour_of_week)
        busy = min(0.99, max(0.02, busy + self.world.chance.gauss(0, 0.03)))
        watts = IDLE_WATTS + busy * (LIMIT_WATTS - IDLE_WATTS) * 0.85
        temperature = 91 if hot else round(34 + 34 * busy + self.world.chance.gauss(0, 0.6))
        used = MEMORY_MIB * (0.62 if vision else 0.74)
        self.energy_mj[card] += watts * step * 1000
        self.throttled_ns[card] += 0.4 * step * 1e9 if hot else 0.0
        return {
            "DCGM_FI_DEV_SM_CLOCK": 1095 if hot else 1410,
            "DCGM_FI_DEV_MEM_CLOCK": 1593,
            "DCGM_FI_DEV_GPU_TEMP": temperature,
            "DCGM_FI_DEV_MEMORY_TEMP": temperature + 9,
            "DCGM_FI_DEV_POWER_USAGE": round(watts, 3),
            "DCGM_FI_DEV_ENFORCED_POWER_LIMIT": LIMIT_WATTS,
            "DCGM_FI_DEV_GPU_UTIL": round(100 * busy),
            "DCGM_FI_DEV_MEM_COPY_UTIL": round(45 * busy),
            "DCGM_FI_DEV_FB_FREE": round(MEMORY_MIB - RESERVED_MIB - used),
            "DCGM_FI_DEV_FB_USED": round(used),
            "DCGM_FI_DEV_FB_RESERVED": RESERVED_MIB,
            "DCGM_FI_DEV_ROW_REMAP_FAILURE": 0,
            "DCGM_FI_PROF_GR_ENGINE_ACTIVE": round(busy, 4),
            "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": round(0.35 * busy, 4),
            "DCGM_FI_PROF_DRAM_ACTIVE": round(0.45 * busy, 4),
            "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": round(self.energy_mj[card]),
            "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": 0,
            "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": 0,
            "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS": 0,
            "DCGM_FI_DEV_POWER_VIOLATION": 0,
            "DCGM_FI_DEV_THERMAL_VIOLATION": round(self.throttled_ns[card]),
            "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL": 0,
        }


def _labels(card: int) -> Labels:
    return labels(
        gpu=str(card),
        UUID=f"GPU-{card:08d}-aaaa-bbbb-cccc-1234567890ab",
        pci_bus_id=f"00000000:{card + 1:02X}:00.0",
        device=f"nvidia{card}",
        modelName="NVIDIA A100-SXM4-80GB",
        Hostname=HOST,
        DCGM_FI_DRIVER_VERSION="570.86.15",
    )
