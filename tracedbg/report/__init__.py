"""What a person or a program reads of a run: text and JSON."""
