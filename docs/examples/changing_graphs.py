"""An eager PyTorch train loop whose graph changes from step to step: three reasons, each on its own line."""

import torch

torch.manual_seed(0)


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(64, 256)
        self.outer = torch.nn.Linear(256, 64)

    def forward(self, x):
        h = torch.relu(self.inner(x))  # @relu
        return x + self.outer(h)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = torch.nn.Linear(64, 64)
        self.blocks = torch.nn.ModuleList(Block() for _ in range(4))

    def forward(self, sequence, dropped):
        state = torch.zeros(sequence.shape[1:])
        for x in sequence:  # @sequence
            state = torch.tanh(self.cell(state) + x)
        for number, block in enumerate(self.blocks):  # @blocks
            if number != dropped:
                state = block(state)
        if sequence.sum() > 0:  # @branch
            loss = state.square().mean()  # @square
        else:
            loss = state.abs().mean()  # @abs
        return loss


def train_step(sequence, dropped):
    optimizer.zero_grad()
    net(sequence, dropped).backward()  # @backward
    optimizer.step()


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for step in range(40):
    length = 3 + step // 10
    dropped = step % 4 if step % 5 == 2 else None
    sign = -1.0 if step % 10 == 8 else 1.0
    train_step(sign * torch.rand(length, 16, 64), dropped)
print("done")
