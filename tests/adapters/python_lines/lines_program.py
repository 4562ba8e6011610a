"""What the tests of stops and steps run; lines are found by their marks."""

# ruff: noqa: RET504  a line to step to
import asyncio
import contextlib
import dataclasses


def add(x, y):
    total = x + y  # @in add
    return total  # @add returns


def call(x):
    first = add(x, 1)  # @first call
    second = add(first, 2)  # @second call
    return second  # @call returns


def numbers():
    yield 1  # @yield 1
    yield 2  # @yield 2


def consume():
    found = []  # @consume begins
    for number in numbers():  # @loop
        found.append(number)  # @body
    return found  # @consume returns


def fail():
    raise ValueError("no")  # @raises


def through():
    fail()  # @calls fail
    return 1  # @never


def caught():
    try:  # @try
        through()  # @calls through
    except ValueError:  # @except
        result = 2  # @handled
    return result  # @caught returns


def factorial(n):
    if n < 2:  # @factorial
        return 1  # @one
    return n * factorial(n - 1)  # @recurse


def squares(n):
    made = [  # @comprehension
        i * i  # @element
        for i in range(n)
    ]
    return made  # @squares returns


def hot(n):
    total = 0
    for i in range(n):
        total += i  # @hot
    return total  # @hot returns


async def twice(x):
    await asyncio.sleep(0)  # @await
    return 2 * x  # @twice returns


async def main_task():
    got = await twice(4)  # @awaits twice
    return got  # @main_task returns


def decorate(function):
    def wrapper(*args):
        return function(*args)  # @wrapper

    return wrapper


@decorate
def decorated(x):
    return x + 1  # @decorated


def calls_decorated():
    result = decorated(1)  # @calls decorated
    return result  # @calls_decorated returns


def makes_class():
    class Made:  # @class
        field = 1  # @class body

    return Made  # @makes_class returns


@dataclasses.dataclass
class Point:
    x: int


def through_libraries():
    point = Point(1)  # @makes point
    with contextlib.suppress(KeyError):  # @with
        sorted([2, 1], key=lambda i: -i)  # @key
    return point.x  # @through_libraries returns


def with_gaps(x):
    # @comment in with_gaps

    y = x + 1  # @after the gap
    return y
