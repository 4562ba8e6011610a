"""The report as one HTML file: no network, no library, readable without its script."""
