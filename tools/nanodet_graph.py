"""NanoDet-g as passerby runs it: any size, pixels in, persons and vehicles out, and nothing of the other classes."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from tfjs_graph import TO_NCHW, Array, Conversion, needed_for, read_graph

OPSET = 17
"""What ONNX Runtime 1.22 runs on every provider, and all that these operators need."""

IR_VERSION = 8

ORIGINAL_PX = 416
"""Width and height of the original's input."""

CLASSES = {"person": (0,), "vehicle": (2, 3, 5, 7)}
"""Our labels, in the order of the outputs, and what they are among the 80 classes of COCO: person; car, motorcycle,
bus, truck. The weights of all others are left out."""

ALL_CLASSES, BINS = 80, 11

MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Of ImageNet's pixels: red, green, blue. The original takes pixels less the mean, over the deviation, blue first."""


def converted(topology: bytes, weights: bytes) -> onnx.ModelProto:
    """The net of `nanodet.json` and `nanodet.bin` with `pixels` (uint8, batch x height x width x 3) in.

    For each stride of 8, 16 and 32 px it gives `scores_8` (batch x labels of `CLASSES` x rows x columns) from 0 to 1,
    and `distances_8` (batch x 4 * `BINS` x rows x columns): how far left, up, right and down, as logits.
    """
    nodes, constants = read_graph(topology, weights)
    heads = {node["input"][0] for node in nodes if node["op"] == "SplitV"}  # into classes and distances
    conversion = Conversion(constants, rows=ORIGINAL_PX)
    conversion.convert(needed_for(heads, nodes))
    strides = {conversion.strides[conversion.known(head)]: conversion.known(head) for head in heads}
    body = [node for node in conversion.nodes if node.output[0] not in strides.values()]
    last = {node.output[0]: node for node in conversion.nodes}
    tail = [part for stride in sorted(strides) for part in _head(last[strides[stride]], stride, conversion.weights)]
    return _model([*_first(body, conversion.weights), *body, *tail], conversion.weights, sorted(strides))


def _first(body: list[NodeProto], weights: dict[str, Array]) -> list[NodeProto]:
    """Pixels less the mean. The deviation and the order of colours go into the first convolution; the mean cannot, for
    what is padded around the picture is the mean."""
    first = body[0]
    deviation = np.array(DEVIATION, np.float64).reshape(1, 3, 1, 1)
    kernel = weights[first.input[1]][:, ::-1].astype(np.float64) / deviation
    weights[first.input[1]] = kernel.astype(np.float32)
    weights["mean"] = np.array(MEAN, np.float32).reshape(1, 3, 1, 1)
    return [
        helper.make_node("Cast", ["pixels"], ["pixels.float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels.float"], ["pixels.planes"], perm=TO_NCHW),
        helper.make_node("Sub", ["pixels.planes", "mean"], [first.input[0]]),
    ]


def _head(convolution: NodeProto, stride: int, weights: dict[str, Array]) -> list[NodeProto]:
    """The last convolution of one stride in three, of which only the kept classes and the distances are left."""
    source = convolution.input[0]
    kernel, bias = (weights.pop(name) for name in convolution.input[1:])
    rows = {f"{label}_{stride}": list(classes) for label, classes in CLASSES.items()}
    rows[f"distances_{stride}"] = list(range(ALL_CLASSES, ALL_CLASSES + 4 * BINS))
    nodes = []
    for name, kept in rows.items():
        weights[f"{name}.kernel"], weights[f"{name}.bias"] = kernel[kept], bias[kept]
        nodes.append(helper.make_node("Conv", [source, f"{name}.kernel", f"{name}.bias"], [name]))
    person, vehicle, likeliest, logits = (f"{name}_{stride}" for name in (*CLASSES, "likeliest", "logits"))
    return [
        *nodes,
        helper.make_node("ReduceMax", [vehicle], [likeliest], axes=[1], keepdims=1),  # of the kinds of vehicles
        helper.make_node("Concat", [person, likeliest], [logits], axis=1),
        helper.make_node("Sigmoid", [logits], [f"scores_{stride}"]),
    ]


def _model(nodes: list[NodeProto], weights: dict[str, Array], strides: list[int]) -> onnx.ModelProto:
    """The checked model of these nodes."""
    for node in nodes:
        node.name = f"{node.op_type}.{node.output[0]}"
    channels = [(f"scores_{s}", len(CLASSES)) for s in strides] + [(f"distances_{s}", 4 * BINS) for s in strides]
    graph = helper.make_graph(
        nodes,
        "nanodet",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", "height", "width", 3])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", count, f"{name}.rows", f"{name}.columns"])
            for name, count in channels
        ],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="passerby"
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def head_nodes(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that make the outputs from the last features."""
    before = {name for node in model.graph.node if node.op_type == "LeakyRelu" for name in node.output}
    ends = {output.name for output in model.graph.output}
    found = []
    for node in reversed(model.graph.node):
        if ends & set(node.output):
            found.append(node.name)
            ends.update(set(node.input) - before)
    return found
