from process.compare import lab

__all__ = ["lab"]
