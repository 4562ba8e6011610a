"""The same, in one graph."""

import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = torch.nn.Linear(8, 64)
        self.out = torch.nn.Linear(64, 1)
        self.step = torch.tensor(0)

    def forward(self, x):
        warm_up = torch.clamp(self.step / 10, max=1.0)
        return self.out(torch.relu(self.hidden(x))) * warm_up


@torch.compile(backend="aot_eager")
def loss_of(net, x, y):
    loss = (net(x) - y).square().mean()
    return torch.where(loss > 100.0, loss / loss.detach(), loss)


def main():
    torch.manual_seed(0)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for step in range(20):
        x = torch.randn(12 if step == 19 else 32, 8)
        y = x.sum(1, keepdim=True)
        net.step = torch.tensor(step)
        loss = loss_of(net, x, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    print(f"loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
