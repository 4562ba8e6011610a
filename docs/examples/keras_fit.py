"""A Keras fit whose last batch is smaller: the framework relaxes the shape, and traces once more."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np

keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)])
model.compile("adam", "mse")
x, y = np.ones((10, 4), "float32"), np.ones((10, 1), "float32")
model.fit(x, y, batch_size=4, epochs=2, verbose=0)
print("loss is finite:", bool(np.isfinite(model.evaluate(x, y, batch_size=4, verbose=0))))
