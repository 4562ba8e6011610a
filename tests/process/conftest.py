from process.compare import lab
from process.levels import levels

__all__ = ["lab", "levels"]
