"""Objects for a cluster that runs Prometheus Operator, in folders that kustomize puts together."""
