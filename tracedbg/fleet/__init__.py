"""Recordings of many ranks and runs as one dataset: written as Parquet, added up by DuckDB."""

import os

DATASET_FILE = "dataset.json"
"""What tells a dataset's folder from others."""


def is_dataset(folder: str) -> bool:
    """Whether `folder` holds a dataset."""
    return os.path.isfile(os.path.join(folder, DATASET_FILE))
