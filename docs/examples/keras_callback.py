"""A Keras fit with a callback of its own that traces once more in each epoch: `TraceCallback` says so."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf

from tracedbg_callbacks.keras import TraceCallback


@tf.function
def sample(logits, temperature):
    return tf.nn.softmax(logits / temperature)


class Preview(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        sample(self.model(np.ones((1, 4), "float32")), 1.0 / (epoch + 1))  # @call


def train(callbacks):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)]
    )
    model.compile("adam", "mse")
    x, y = np.ones((40, 4), "float32"), np.ones((40, 3), "float32")
    return model.fit(x, y, batch_size=4, epochs=3, verbose=0, callbacks=[Preview(), *callbacks])


if __name__ == "__main__":
    history = train([TraceCallback()]).history
    print("retraces after each epoch:", history["tracedbg/retraces"])
