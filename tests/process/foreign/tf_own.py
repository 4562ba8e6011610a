"""TensorFlow's own tests that its wheel brings: base classes, for which TensorFlow's files name only what to test.

Collected by pytest where it is named (`foreign_suites.py` does); the bodies of the tests are TensorFlow's.
"""

import tensorflow as tf
from tensorflow.python.framework.test_util import run_all_in_graph_and_eager_modes
from tensorflow.python.kernel_tests.nn_ops.bias_op_base import BiasAddTestBase
from tensorflow.python.kernel_tests.nn_ops.xent_op_test_base import XentOpTestBase
from tensorflow.python.kernel_tests.sparse_ops.sparse_xent_op_test_base import SparseXentOpTestBase
from tensorflow.python.ops import image_grad_test_base as images
from tensorflow.python.ops.linalg import linear_operator_test_util as operators


class BiasAddTest(BiasAddTestBase):
    pass


class XentTest(XentOpTestBase):
    pass


class SparseXentTest(SparseXentOpTestBase):
    pass


class ResizeNearestNeighborTest(images.ResizeNearestNeighborOpTestBase):
    pass


class ResizeBicubicTest(images.ResizeBicubicOpTestBase):
    pass


class CropAndResizeTest(images.CropAndResizeOpTestBase):
    pass


class RGBToHSVTest(images.RGBToHSVOpTestBase):
    pass


@run_all_in_graph_and_eager_modes
class LinearOperatorDiagTest(operators.SquareLinearOperatorDerivedClassTest):
    """As `linear_operator_diag_test.py` makes it: each op of an operator, in graphs, loops and gradients."""

    @staticmethod
    def operator_shapes_infos():
        return [operators.OperatorShapesInfo((2, 3, 3))]

    @staticmethod
    def dtypes_to_test():
        return [tf.float32]

    def operator_and_matrix(self, info, dtype, use_placeholder, ensure_self_adjoint_and_pd=False):
        diagonal = operators.random_sign_uniform(list(info.shape)[:-1], minval=1.0, maxval=2.0, dtype=dtype)
        if ensure_self_adjoint_and_pd:
            diagonal = tf.abs(diagonal)
        given = tf.compat.v1.placeholder_with_default(diagonal, shape=None) if use_placeholder else diagonal
        operator = tf.linalg.LinearOperatorDiag(
            given,
            is_self_adjoint=True if ensure_self_adjoint_and_pd else None,
            is_positive_definite=True if ensure_self_adjoint_and_pd else None,
        )
        return operator, tf.linalg.diag(diagonal)


operators.add_tests(LinearOperatorDiagTest)
del BiasAddTestBase, XentOpTestBase, SparseXentOpTestBase
