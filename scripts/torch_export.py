# SPDX-License-Identifier: Apache-2.0
"""Writes a PyTorch network as float ONNX."""

import io

import onnx
import torch


def write(net, path, shape, name, description):
    """Operator set 13, input 'image' (N, *shape), output 'logits'; the bytes depend on the network only."""
    buffer = io.BytesIO()
    torch.onnx.export(net.eval(), torch.zeros(1, *shape), buffer, opset_version=13, input_names=["image"],
                      output_names=["logits"], dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}})
    model = onnx.load_from_string(buffer.getvalue())
    model.graph.name, model.doc_string = name, description
    for node in model.graph.node:
        node.ClearField("doc_string")
    onnx.checker.check_model(model, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
