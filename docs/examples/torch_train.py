"""A compiled PyTorch train loop that is slower than it looks: three reasons, each on its own line."""

import torch

torch.manual_seed(0)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = torch.nn.Linear(8, 16)
        self.out = torch.nn.Linear(16, 1)
        self.step_no = 0

    def forward(self, batch):
        h = torch.relu(self.hidden(batch["x"]))
        return self.out(h) * (1.0 + 0.0 * self.step_no)  # @attribute


@torch.compile(backend="aot_eager")
def train_step(net, batch, scale):
    loss = ((net(batch) - batch["y"]) ** 2).mean() * scale
    if loss.item() > 1e6:  # @branch
        loss = loss * 0.0
    return loss


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for step, rows in enumerate([16, 16, 16, 7]):  # @rows
    batch = {"x": torch.randn(rows, 8), "y": torch.randn(rows, 1)}
    net.step_no = step
    loss = train_step(net, batch, scale=1.0)  # @call
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
print("done")
