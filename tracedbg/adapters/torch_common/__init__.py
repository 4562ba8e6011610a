"""What the adapters of torch share: how to look at its tensors."""
