"""What holds for all tests."""

import pytest

# before they are imported: asserts of helpers then say what differed
pytest.register_assert_rewrite("cases", "helpers")
