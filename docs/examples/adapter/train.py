"""Two batches, of two lengths."""

import toyjit


@toyjit.jit
def scale(batch):
    return batch * 3 + 1


for batch in ([1, 2, 3], [4, 5, 6], [7, 8]):
    print(scale(batch))  # @call
