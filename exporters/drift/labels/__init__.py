"""Late labels: what became of predictions, and what their scores let one expect until then."""
