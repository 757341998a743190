# SPDX-License-Identifier: Apache-2.0
"""All that keeps a float network from being quantized, in one report, as sim/network/onnx_problems.cpp words it."""

from float_graph import ModelError

MOST_NAMES = 4
MOST_TEXTS = 40
ACTIVATION = "only Relu and Clip are modelled as activations"
JOINING = "joining feature maps needs hardware that is not modelled yet"
QUANTIZED = "the network is quantized already; this script takes float ones"
RESIZING = "resizing feature maps needs hardware that is not modelled yet"
ADVICE = {
    "Celu": ACTIVATION,
    "Concat": JOINING,
    "ConvTranspose": "transposed convolutions are not modelled",
    "DequantizeLinear": QUANTIZED,
    "DynamicQuantizeLinear": QUANTIZED,
    "Elu": ACTIVATION,
    "Gelu": ACTIVATION,
    "HardSigmoid": ACTIVATION,
    "HardSwish": ACTIVATION,
    "LSTM": "recurrent layers are not modelled",
    "LayerNormalization": "normalisation at run time is not modelled",
    "LeakyRelu": ACTIVATION,
    "Mish": ACTIVATION,
    "PRelu": ACTIVATION,
    "QLinearConv": QUANTIZED,
    "QuantizeLinear": QUANTIZED,
    "Resize": RESIZING,
    "Selu": ACTIVATION,
    "Softplus": ACTIVATION,
    "Split": "splitting feature maps needs hardware that is not modelled yet",
    "Tanh": ACTIVATION,
    "Upsample": RESIZING,
}
# Behind one of these, which keep their input's shape, the graph is still worth reading.
KEEPS_SHAPE = ("BatchNormalization", "Celu", "Clip", "Elu", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish",
               "PRelu", "Relu", "Selu", "Softplus", "Tanh")


def label(node):
    """As the simulator names a node."""
    if node.name:
        return f"node '{node.name}' ({node.op_type})"
    output = node.output[0] if node.output else ""
    return f"node of output '{output}' ({node.op_type})"


class Problems:
    """Texts in the order found; operators that are not supported are gathered by type."""

    def __init__(self):
        self.texts, self.unsupported = [], {}

    def add(self, text):
        if text not in self.texts:
            self.texts.append(text)

    def add_unsupported(self, node):
        standard = node.domain in ("", "ai.onnx")
        self.unsupported.setdefault(("" if standard else node.domain + ".") + node.op_type, []).append(label(node))

    def raise_any(self, path, supported):
        lines = [self.unsupported_text(op, labels, supported) for op, labels in sorted(self.unsupported.items())]
        lines += self.texts
        if len(lines) > MOST_TEXTS:
            lines[MOST_TEXTS:] = [f"and {len(lines) - MOST_TEXTS} more"]
        if len(lines) == 1:
            raise ModelError(f"{path}: {lines[0]}")
        if lines:
            raise ModelError(f"{path}: cannot be quantized as it is:\n  - " + "\n  - ".join(lines))

    @staticmethod
    def unsupported_text(op, labels, supported):
        nodes = ", ".join(labels[:MOST_NAMES])
        if len(labels) > MOST_NAMES:
            nodes += f" and {len(labels) - MOST_NAMES} more"
        hint = ADVICE.get(op.split(".")[-1])
        if hint:
            return f"{nodes}: operator {op} is not supported: {hint}"
        return f"{nodes}: operator {op} is not supported, expected one of {', '.join(supported)}"
