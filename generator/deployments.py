"""How a deployment is noted in Grafana: the tags that boards look for and `annotate` writes."""

TAGS = ("modelwatch", "deploy")


def of_model(model: str) -> str:
    """The tag of a model's deployments; a Grafana variable may stand for the name."""
    return f"model:{model}"


def of_environment(environment: str) -> str:
    """The tag of an environment's deployments."""
    return f"environment:{environment}"


def of_version(version: str) -> str:
    """The tag of a version's deployments."""
    return f"version:{version}"
