"""CenterFace's graph as passerby runs it: no weights among the inputs, any size, pixels in and three maps out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

OPSET = 17
"""What ONNX Runtime 1.22 runs on every provider, and all that these operators need."""

IR_VERSION = 8

OUTPUTS = {"537": ("heatmap", 1), "538": ("scale", 2), "539": ("offset", 2)}
"""The original's names of the outputs that stay, ours, and channels."""

LANDMARKS = "540"
"""Positions of eyes, nose and mouth: a head that passerby has no use for and therefore does not ship."""

HEAD_INPUT = "535"
"""The features from which all heads are made, in the original's names."""

Weights = dict[str, npt.NDArray[np.float32]]


def cleaned(original: onnx.ModelProto) -> onnx.ModelProto:
    """The same net with `pixels` (uint8, batch x height x width x 3) in, and `heatmap`, `scale` and `offset` out."""
    weights: Weights = {t.name: numpy_helper.to_array(t) for t in original.graph.initializer}
    nodes = _without_batch_norm([n for n in original.graph.node if n.output[0] != LANDMARKS], weights)
    _rename(nodes)
    first = [
        helper.make_node("Cast", ["pixels"], ["pixels.float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels.float"], ["input.1"], perm=[0, 3, 1, 2]),
    ]
    nodes = first + nodes
    for node in nodes:
        node.name = f"{node.op_type}.{node.output[0]}"
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "centerface",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", "height", "width", 3])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", channels, "rows", "columns"])
            for name, channels in OUTPUTS.values()
        ],
        [numpy_helper.from_array(value, name) for name, value in weights.items() if name in used],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="passerby"
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _without_batch_norm(nodes: list[NodeProto], weights: Weights) -> list[NodeProto]:
    """`nodes` with each batch normalisation folded into the transposed convolution before it, in double precision."""
    norms = {n.input[0]: n for n in nodes if n.op_type == "BatchNormalization"}
    kept = []
    for node in nodes:
        if node.op_type == "BatchNormalization":
            continue
        norm = norms.get(node.output[0])
        kept.append(_folded(node, norm, weights) if norm else node)
    return kept


def _folded(node: NodeProto, norm: NodeProto, weights: Weights) -> NodeProto:
    if node.op_type != "ConvTranspose" or len(node.input) != 2:
        raise ValueError(f"{node.op_type} before a batch normalisation, expected a ConvTranspose without bias")
    gamma, beta, mean, variance = (weights[name].astype(np.float64) for name in norm.input[1:])
    epsilon = next(a.f for a in norm.attribute if a.name == "epsilon")
    factor = gamma / np.sqrt(variance + epsilon)
    kernel, bias = node.input[1], f"{node.input[1]}.bias"
    # A transposed convolution's kernel has its output channels second.
    weights[kernel] = (weights[kernel] * factor[None, :, None, None]).astype(np.float32)
    weights[bias] = (beta - mean * factor).astype(np.float32)
    folded = NodeProto()
    folded.CopyFrom(node)
    folded.input.append(bias)
    folded.output[0] = norm.output[0]
    return folded


def _rename(nodes: list[NodeProto]) -> None:
    """Give the outputs our names, wherever they stand."""
    for node in nodes:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = OUTPUTS.get(name, (name, 0))[0]


def head_nodes(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that make the outputs from the last features."""
    names, found = {HEAD_INPUT}, []
    for node in model.graph.node:
        if names & set(node.input):
            names.update(node.output)
            found.append(node.name)
    return found
