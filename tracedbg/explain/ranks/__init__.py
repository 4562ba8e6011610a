"""How the ranks of a run differ in what they traced, when and why, and who waited."""
