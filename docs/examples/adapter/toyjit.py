"""A tracing system in twenty lines: it traces a function once for each length of its argument."""


class Program:
    """What a function has become: the additions and multiplications that it did while it was traced."""

    def __init__(self, function, length):
        self.steps = []
        self.length = length
        function(self)

    def __add__(self, number):
        self.steps.append(lambda x: x + number)
        return self

    def __mul__(self, number):
        self.steps.append(lambda x: x * number)
        return self

    def run(self, values):
        for step in self.steps:
            values = [step(value) for value in values]
        return values


def jit(function):
    programs = {}

    def call(values):
        if len(values) not in programs:
            programs[len(values)] = trace(function, len(values))
        return programs[len(values)].run(values)

    return call


def trace(function, length):
    return Program(function, length)
