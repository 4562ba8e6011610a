"""What the adapters for TensorFlow share. It must not import TensorFlow at module level."""
