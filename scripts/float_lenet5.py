# SPDX-License-Identifier: Apache-2.0
"""The float LeNet-5 of scripts/train_lenet5 for other scripts."""

import importlib.machinery
import importlib.util
from pathlib import Path


def untrained():
    """A new LeNet5 of the script train_lenet5."""
    loader = importlib.machinery.SourceFileLoader("train_lenet5", str(Path(__file__).with_name("train_lenet5")))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("train_lenet5", loader))
    loader.exec_module(module)
    return module.LeNet5()
