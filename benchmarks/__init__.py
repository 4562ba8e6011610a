"""What observation costs, as ratios to the plain run."""
