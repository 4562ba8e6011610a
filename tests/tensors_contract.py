"""What every `Tensors` has to do, whatever the framework. A subclass gives `tensors` and `make`."""

from __future__ import annotations

import math
import re
import struct

import pytest

NAN, INF = math.nan, math.inf


class TensorsContract:
    """`make(values, dtype)` is a tensor of the framework; `tensors` the object that is tested."""

    @pytest.fixture
    def tensors(self):
        raise NotImplementedError

    def make(self, values, dtype="float32"):
        raise NotImplementedError

    def test_it_owns_its_tensors_and_nothing_else(self, tensors):
        assert tensors.owns(self.make([1.0]))
        for other in (1.0, [1.0], None, "x", object(), type(self.make([1.0]))):
            assert not tensors.owns(other)

    def test_the_spec_is_dtype_and_shape(self, tensors):
        assert tensors.spec(self.make([[1, 2, 3], [4, 5, 6]], "int64")) == ("int64", (2, 3))
        assert tensors.spec(self.make(1.0, "float64")) == ("float64", ())
        assert tensors.spec(self.make([True], "bool")) == ("bool", (1,))

    @pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
    def test_bad_is_a_nan_or_an_infinity_as_asked(self, tensors, dtype):
        for values, nan, infinity in [
            ([1.0, 2.0], False, False),
            ([1.0, NAN], True, False),
            ([1.0, -INF], False, True),
            ([INF, -INF], False, True),
            ([INF, NAN], True, True),
            ([], False, False),
        ]:
            value = self.make(values, dtype)
            assert tensors.is_bad(value, infinite=False) is nan, values
            assert tensors.is_bad(value, infinite=True) is infinity, values

    def test_a_sum_that_overflows_is_not_bad(self, tensors):
        value = self.make([60000.0] * 4, "float16")
        assert not tensors.is_bad(value, infinite=True)
        assert not tensors.is_bad(value, infinite=False)

    def test_integers_are_never_bad(self, tensors):
        assert not tensors.is_bad(self.make([1, 2], "int32"), infinite=True)
        assert not tensors.is_bad(self.make([True], "bool"), infinite=False)

    def test_the_summary_counts_and_measures_the_finite_elements(self, tensors):
        found = tensors.summary(self.make([[0.0, 1.0, NAN], [3.0, INF, -2.0]]), first=2)
        assert (found.dtype, found.shape, found.count) == ("float32", (2, 3), 6)
        assert (found.minimum, found.maximum, found.mean) == (-2.0, 3.0, 0.5)
        assert found.deviation == pytest.approx(math.sqrt((0.25 + 0.25 + 6.25 + 6.25) / 4))
        assert (found.nans, found.infinities, found.zeros) == (1, 1, 1)
        assert found.first == (0.0, 1.0)
        assert found.note == ""

    def test_the_summary_of_nothing_has_no_numbers(self, tensors):
        found = tensors.summary(self.make([]))
        assert (found.count, found.minimum, found.mean, found.first) == (0, None, None, ())

    def test_whole_numbers_and_truths_keep_their_kind(self, tensors):
        assert tensors.summary(self.make([3, 0], "int64")).first == (3, 0)
        assert type(tensors.summary(self.make([3], "int64")).first[0]) is int
        assert tensors.summary(self.make([True, False], "bool")).first == (True, False)

    def test_the_histogram_holds_every_finite_element_once(self, tensors):
        edges, counts = tensors.histogram(self.make([0.0, 1.0, 1.0, 4.0, NAN, INF]), 4)
        assert edges == [0.0, 1.0, 2.0, 3.0, 4.0]
        assert counts == [1, 2, 0, 1]
        assert tensors.histogram(self.make([NAN]), 4) == ([], [])

    def test_a_window_is_a_slice_in_lists(self, tensors):
        value = self.make([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
        assert tensors.window(value, "0") == [1.0, 2.0, 3.0]
        assert tensors.window(value, ":, ::2") == [[1.0, 3.0], [4.0, 6.0]]
        assert tensors.window(value, "..., -1") == [3.0, 6.0]
        assert tensors.window(value, "1, 1") == 5.0
        assert tensors.window(value, "") == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]

    @pytest.mark.parametrize("index", ["nonsense", "0)", "__import__('os')", "9", "0, 0, 0", "1.5"])
    def test_a_window_that_is_not_there_is_refused(self, tensors, index):
        with pytest.raises(ValueError, match=r"^\["):
            tensors.window(self.make([[1.0, 2.0], [3.0, 4.0]]), index)

    def test_the_bytes_are_those_in_memory(self, tensors):
        value = self.make([1.0, 2.0, 3.0])
        assert tensors.bytes(value, 0, 100) == struct.pack("3f", 1, 2, 3)
        assert tensors.bytes(value, 4, 4) == struct.pack("f", 2)
        assert tensors.bytes(value, 400, 4) == b""
        assert tensors.bytes(value, -1, 4) == b""

    def test_the_difference_says_where_it_is_greatest(self, tensors):
        left, right = self.make([[1.0, 2.0], [3.0, 4.0]]), self.make([[1.0, 2.5], [3.0, 2.0]])
        found = tensors.difference(left, right)
        assert (found.equal, found.differing, found.at) == (False, 2, (1, 1))
        assert (found.max_absolute, found.left, found.right) == (2.0, 4.0, 2.0)
        assert found.max_relative == 0.5

    def test_equal_is_bit_for_bit_and_nan_equals_nan(self, tensors):
        assert tensors.difference(self.make([1.0, NAN]), self.make([1.0, NAN])).equal
        assert not tensors.difference(self.make([0.0]), self.make([-0.0])).equal
        assert not tensors.difference(self.make([1.0]), self.make([NAN])).equal

    def test_other_shapes_and_types_are_told(self, tensors):
        found = tensors.difference(self.make([1.0]), self.make([1.0, 2.0]))
        assert (found.same_shape, found.equal) == (False, False)
        found = tensors.difference(self.make([1.0]), self.make([1.0], "float64"))
        assert (found.same_shape, found.same_dtype, found.equal) == (True, False, False)

    def test_a_number_fills_a_tensor_like_the_old_one(self, tensors):
        made = tensors.like(7, self.make([[1.0, 2.0]]))
        assert tensors.spec(made) == ("float32", (1, 2))
        assert tensors.window(made, "") == [[7.0, 7.0]]
        assert tensors.window(tensors.like([1, 0], self.make([5, 6, 7], "int64")), "") == [1, 0]

    @pytest.mark.parametrize(
        ("value", "dtype", "message"),
        [
            (300, "uint8", "300 is outside of uint8: 0 to 255"),
            (1.5, "int64", "1.5 is not a whole number, and int64 holds no others"),
            (2, "bool", "2 is not True or False"),
            (1j, "float32", "1j is complex, and float32 is not"),
            ("x", "float32", "'x' is no number, nor a nested list of numbers"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, tensors, value, dtype, message):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            tensors.like(value, self.make([True] if dtype == "bool" else [1], dtype))

    def test_items_are_along_the_first_dimension(self, tensors):
        assert tensors.items(self.make([1.0, 2.0, 3.0]), 1, 5) == [("[1]", 2.0), ("[2]", 3.0)]
        ((name, row),) = tensors.items(self.make([[1.0, 2.0], [3.0, 4.0]]), 1, 1)
        assert name == "[1]"
        assert tensors.window(row, "") == [3.0, 4.0]
        assert list(tensors.items(self.make(1.0), 0, 5)) == []
