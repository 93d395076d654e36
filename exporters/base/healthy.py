"""Asks an exporter on this machine whether it is healthy; for the health check of a container.

    python -m exporters.base.healthy [URL]

Without an address: whichever exporter answers at the port it has by default, with TLS or without.
"""

import ssl
import sys
import urllib.request

PORTS = (9465, 9466, 9467, 9468)
WITHIN_S = 2.0


def healthy(url: str) -> bool:
    """Whether it says so. Its certificate is not looked at: this machine asks itself."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=WITHIN_S, context=context) as answer:  # noqa: S310  # our own address
            return bool(answer.status == 200)
    except OSError:
        return False


def main(arguments: list[str]) -> int:
    """0 when it is healthy, 1 when it is not."""
    hosts = [f"127.0.0.1:{port}" for port in PORTS]
    likely = [f"{scheme}://{host}/-/healthy" for host in hosts for scheme in ("http", "https")]
    return 0 if any(map(healthy, arguments or likely)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
