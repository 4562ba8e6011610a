"""What must stay true of `train.py`, in the folder beside it. Run: pytest test_train.py"""

import pytest
import train


@pytest.mark.max_retraces(0)
@pytest.mark.max_graph_breaks(0)
@pytest.mark.no_silent_eager
def test_the_training_is_compiled_once():
    train.main()
