"""The only code that names a framework: one adapter for each tracing system."""
