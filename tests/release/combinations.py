"""What `matrix.py` installs together."""

from __future__ import annotations

from dataclasses import dataclass

PYTEST = "pytest>=8"


@dataclass(frozen=True)
class Combination:
    """A Python with frameworks."""

    python: str
    torch: str = ""
    tensorflow: str = ""
    besides: tuple[str, ...] = ()
    """Requirements that the frameworks leave too wide."""

    def __str__(self) -> str:
        frameworks = {"torch": self.torch, "tf": self.tensorflow}
        return "-".join(
            [f"py{self.python}", *(f"{name}{version}" for name, version in frameworks.items() if version)]
        )

    def requirements(self) -> list[str]:
        """What pip is to install."""
        frameworks = {"torch": self.torch, "tensorflow-cpu": self.tensorflow}
        return [
            PYTEST,
            *self.besides,
            *(f"{name}=={version}" for name, version in frameworks.items() if version),
        ]


NUMPY_1 = ("numpy<2",)
"""TensorFlow 2.15 was built for it."""

COMBINATIONS = (
    Combination("3.10", torch="2.7.0", tensorflow="2.15.0", besides=NUMPY_1),
    Combination("3.11", torch="2.15.0", tensorflow="2.21.0"),
    Combination("3.12", torch="2.10.0", tensorflow="2.18.1"),
    Combination("3.13", torch="2.7.0", tensorflow="2.20.0"),
    Combination("3.13", torch="2.15.0", tensorflow="2.21.0"),
)
"""The oldest and the newest of each framework, on the oldest and the newest Python, and some between.

PyTorch's wheels on PyPI for Linux are CUDA builds; they run on a CPU as well. torch 2.15 needs Python 3.11,
TensorFlow 2.15 has no wheel for 3.12, and 2.20 is the first that has one for 3.13.
"""
