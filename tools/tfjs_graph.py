"""A convolutional net in the format of TensorFlow.js, made ONNX node by node."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, helper

Array = npt.NDArray[Any]
TfNodes = list[dict[str, Any]]

TO_NCHW, TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)


def read_graph(topology: bytes, weights: bytes) -> tuple[TfNodes, dict[str, Array]]:
    """Nodes in the order in which they run, and constants; what the file stores as float16 becomes float32.

    Raises:
        ValueError: the two files do not belong together.
    """
    model = json.loads(topology)
    constants, at = {}, 0
    for entry in model["weightsManifest"][0]["weights"]:
        stored = np.dtype(entry.get("quantization", entry)["dtype"])
        count = math.prod(entry["shape"])
        array = np.frombuffer(weights, stored, count, at).reshape(entry["shape"])
        constants[entry["name"]] = array.astype(entry["dtype"])
        at += count * stored.itemsize
    if at != len(weights):
        raise ValueError(f"the constants take {at} bytes, the file of weights holds {len(weights)}")
    return model["modelTopology"]["node"], constants


def needed_for(outputs: set[str], nodes: TfNodes) -> TfNodes:
    """The nodes from which `outputs` are made, in order, without constants."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if node["name"] in wanted and node["op"] != "Const":
            wanted.update(name.split(":")[0] for name in node.get("input", []))
            kept.append(node)
    return kept[::-1]


class Conversion:
    """Nodes of TensorFlow made nodes of ONNX, one after the other.

    TensorFlow turns its tensors to NHWC before each convolution and back after it; here everything stays NCHW, and
    what is turned is another name for the same tensor. A padding waits for the convolution or pooling that it belongs
    to, and a bias joins its convolution. Sizes to resize to become factors, so that a picture of any size will do.

    Attributes:
        nodes: of ONNX, in order; the placeholder has none and is an input by its own name.
        weights: constants of the nodes, by name.
        name_of: ONNX's name of each tensor that is called otherwise in TensorFlow.
        strides: pixels of the input per cell of each tensor, by ONNX's name.
    """

    def __init__(self, constants: dict[str, Array], rows: int) -> None:
        """Begin with nothing; `constants` as from `read_graph`, `rows` the height of the input in the original."""
        self.nodes: list[NodeProto] = []
        self.weights: dict[str, Array] = {}
        self.name_of: dict[str, str] = {}
        self.strides: dict[str, int] = {}
        self._constants = constants
        self._rows = rows
        self._pads: dict[str, list[int]] = {}
        self._steps: dict[str, Callable[[str, list[str], dict[str, Any]], None]] = {
            "Placeholder": self._placeholder,
            "Transpose": self._transpose,
            "Pad": self._pad,
            "PadV2": self._pad,
            "Conv2D": self._convolution,
            "Add": self._add,
            "LeakyRelu": self._leaky_relu,
            "ConcatV2": self._concat,
            "MaxPool": self._max_pool,
            "ResizeBilinear": self._resize,
        }

    def convert(self, nodes: TfNodes) -> None:
        """Add what `nodes` do.

        Raises:
            ValueError: one of them is of a kind that is not known here.
        """
        for node in nodes:
            if node["op"] not in self._steps:
                raise ValueError(f"{node['name']} is a {node['op']}, which is not known here")
            self._steps[node["op"]](node["name"], node.get("input", []), node.get("attr", {}))

    def known(self, name: str) -> str:
        """ONNX's name of a tensor of TensorFlow."""
        return self.name_of.get(name, name)

    def _emit(self, op: str, inputs: list[str], output: str, stride: int, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        self.strides[output] = stride

    def _placeholder(self, name: str, _inputs: list[str], _attr: dict[str, Any]) -> None:
        self.strides[name] = 1

    def _transpose(self, name: str, inputs: list[str], _attr: dict[str, Any]) -> None:
        if tuple(self._constants[inputs[1]]) not in (TO_NCHW, TO_NHWC):
            raise ValueError(f"{name} turns its tensor in a way that is not known here")
        self.name_of[name] = self.known(inputs[0])
        if inputs[0] in self._pads:
            self._pads[name] = self._pads[inputs[0]]

    def _pad(self, name: str, inputs: list[str], _attr: dict[str, Any]) -> None:
        """Zeros before a convolution, minus infinity before a maximum: what both mean by padding in ONNX."""
        self.name_of[name] = self.known(inputs[0])
        self._pads[name] = self._constants[inputs[1]][2:].T.reshape(-1).tolist()

    def _convolution(self, name: str, inputs: list[str], attr: dict[str, Any]) -> None:
        if _text(attr, "padding") != "VALID" or _numbers(attr, "dilations") != [1, 1, 1, 1]:
            raise ValueError(f"{name} is a convolution of a kind that is not known here")
        source, step = self.known(inputs[0]), _numbers(attr, "strides")[1:3]
        kernel = np.transpose(self._constants[inputs[1]], (3, 2, 0, 1))  # from height, width, in, out
        self.weights[f"{name}.kernel"] = np.ascontiguousarray(kernel, np.float32)
        pads = self._pads.get(inputs[0], [0, 0, 0, 0])
        stride = self.strides[source] * step[0]
        self._emit("Conv", [source, f"{name}.kernel"], name, stride, strides=step, pads=pads)

    def _add(self, name: str, inputs: list[str], _attr: dict[str, Any]) -> None:
        first, second = (self.known(i) for i in inputs)
        if second not in self._constants:
            self._emit("Add", [first, second], name, self.strides[first])
            return
        convolution = next(node for node in self.nodes if node.output[0] == first)
        self.weights[f"{first}.bias"] = self._constants[second]
        convolution.input.append(f"{first}.bias")
        self.name_of[name] = first

    def _leaky_relu(self, name: str, inputs: list[str], attr: dict[str, Any]) -> None:
        source = self.known(inputs[0])
        self._emit("LeakyRelu", [source], name, self.strides[source], alpha=attr["alpha"]["f"])

    def _concat(self, name: str, inputs: list[str], _attr: dict[str, Any]) -> None:
        sources = [self.known(i) for i in inputs[:-1]]
        self._emit("Concat", sources, name, self.strides[sources[0]], axis=int(self._constants[inputs[-1]]))

    def _max_pool(self, name: str, inputs: list[str], attr: dict[str, Any]) -> None:
        source, step = self.known(inputs[0]), _numbers(attr, "strides")[1:3]
        kernel, pads = _numbers(attr, "ksize")[1:3], self._pads.get(inputs[0], [0, 0, 0, 0])
        stride = self.strides[source] * step[0]
        self._emit("MaxPool", [source], name, stride, kernel_shape=kernel, strides=step, pads=pads)

    def _resize(self, name: str, inputs: list[str], attr: dict[str, Any]) -> None:
        if not attr["half_pixel_centers"]["b"] or attr["align_corners"]["b"]:
            raise ValueError(f"{name} resizes in a way that is not known here")
        source, factors = self.known(inputs[0]), f"{name}.factors"
        stride = self._rows // int(self._constants[inputs[1]][0])
        factor = self.strides[source] / stride
        self.weights[factors] = np.array([1, 1, factor, factor], np.float32)
        self._emit("Resize", [source, "", factors], name, stride, mode="linear")  # half pixels are its default


def _numbers(attr: dict[str, Any], key: str) -> list[int]:
    return [int(value) for value in attr[key]["list"]["i"]]


def _text(attr: dict[str, Any], key: str) -> str:
    return base64.b64decode(attr[key]["s"]).decode()
