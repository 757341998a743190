# SPDX-License-Identifier: Apache-2.0
"""scripts/quantize as a module, which its name without an ending would not be."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def script():
    loader = SourceFileLoader("quantize", str(ROOT / "scripts" / "quantize"))
    module = module_from_spec(spec_from_loader("quantize", loader))
    loader.exec_module(module)
    return module


SCRIPT = script()
