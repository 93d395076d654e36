"""What all exporters share: families of samples, the page, the server, limits and reloading."""
