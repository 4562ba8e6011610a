import torch


def scale(h, i):
    return h * 2 + i  # @callee


def block(x, w):
    h = x @ w
    h = torch.relu(h)  # @relu
    for i in range(2):
        h = scale(h, i)  # @loop
    return h.sum()  # @sum


step = torch.compile(block, backend="aot_eager")
w = torch.ones(3, 3, requires_grad=True)
for k in range(1, 4):
    y = step(torch.full((2, 3), float(k)), w)
    y.backward()
print(y.item(), w.grad[0].tolist(), torch._dynamo.utils.counters["stats"]["unique_graphs"])
