"""PP-OCRv4's text detection net as passerby runs it: pixels of any size in, one heatmap out, what is linear folded."""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

OPSET = 17
"""What ONNX Runtime 1.22 runs on every provider, and all that these operators need."""

IR_VERSION = 8

INPUT, OUTPUT = "x", "sigmoid_0.tmp_0"
"""The original's names."""

MEAN = 255 * np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = 255 * np.array([0.229, 0.224, 0.225], np.float32)
"""What PaddleOCR subtracts from a picture and divides it by, channel by channel. It reads pictures as BGR and calls
these numbers, which are those of ImageNet's red, green and blue, in the order of the channels that it has."""

Array = npt.NDArray[np.float32]


def cleaned(original: onnx.ModelProto) -> onnx.ModelProto:
    """The same net with `pixels` (uint8, RGB, batch x height x width x 3) in, and `heatmap` out, as large."""
    net = _Net(original)
    net.fold_normalisation()
    net.shorten_activations()
    net.fold_backwards()
    net.fold_forwards()
    net.shorten_gates()
    return net.with_pixels()


class _Net:
    """The nodes that are left, and the constants by name."""

    def __init__(self, original: onnx.ModelProto) -> None:
        nodes = original.graph.node
        self.constants: dict[str, Array] = {
            n.output[0]: numpy_helper.to_array(n.attribute[0].t) for n in nodes if n.op_type == "Constant"
        }
        self.constants |= {t.name: numpy_helper.to_array(t) for t in original.graph.initializer}
        self.nodes = [copy.deepcopy(n) for n in nodes if n.op_type != "Constant"]

    def users(self, name: str) -> list[NodeProto]:
        """The nodes that take this value."""
        return [n for n in self.nodes if name in n.input]

    def maker(self, name: str) -> NodeProto | None:
        """The node that gives this value."""
        return next((n for n in self.nodes if name in n.output), None)

    def parts(self, node: NodeProto) -> tuple[str, Array] | None:
        """Value and constant of a node that adds or multiplies by one number for all, or for each channel."""
        if node.op_type not in ("Add", "Mul"):
            return None
        known = [name for name in node.input if name in self.constants]
        if len(known) != 1 or self.constants[known[0]].ndim not in (0, 1, 4):
            return None
        (value,) = (name for name in node.input if name not in self.constants)
        return value, self.constants[known[0]].reshape(-1)

    def drop(self, node: NodeProto, stand_in: str) -> None:
        """Take a node out; whoever took what it gave takes `stand_in`."""
        self.nodes.remove(node)
        for user in self.users(node.output[0]):
            user.input[:] = [stand_in if name == node.output[0] else name for name in user.input]

    def set_weights(self, node: NodeProto, kernel: npt.NDArray[np.float64], bias: npt.NDArray[np.float64]) -> None:
        """Give a convolution a kernel and a bias of its own."""
        name = node.output[0]
        self.constants[f"{name}.kernel"] = kernel.astype(np.float32)
        self.constants[f"{name}.bias"] = bias.astype(np.float32)
        node.input[1:] = [f"{name}.kernel", f"{name}.bias"]

    def weights(self, node: NodeProto) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Kernel and bias of a convolution, in double precision."""
        kernel = self.constants[node.input[1]].astype(np.float64)
        channels = kernel.shape[0] if node.op_type == "Conv" else kernel.shape[1]
        bias = self.constants[node.input[2]].astype(np.float64) if len(node.input) > 2 else np.zeros(channels)
        return kernel, bias

    def fold_normalisation(self) -> None:
        """Batch normalisation becomes a factor and a summand for each channel."""
        for node in [n for n in self.nodes if n.op_type == "BatchNormalization"]:
            gamma, beta, mean, variance = (self.constants[name].astype(np.float64) for name in node.input[1:])
            epsilon = next(a.f for a in node.attribute if a.name == "epsilon")
            factor, name = gamma / np.sqrt(variance + epsilon), node.output[0]
            self.constants[f"{name}.factor"] = factor.astype(np.float32).reshape(1, -1, 1, 1)
            self.constants[f"{name}.summand"] = (beta - mean * factor).astype(np.float32).reshape(1, -1, 1, 1)
            at = self.nodes.index(node)
            self.nodes[at : at + 1] = [
                helper.make_node("Mul", [node.input[0], f"{name}.factor"], [f"{name}.scaled"]),
                helper.make_node("Add", [f"{name}.scaled", f"{name}.summand"], [name]),
            ]

    def shorten_activations(self) -> None:
        """x * min(max(x + 3, 0), 6) / 6, in four steps, becomes x * HardSigmoid(x), in two."""
        for division in [n for n in self.nodes if n.op_type == "Div"]:
            product = self.maker(division.input[0])
            cut = self.maker(product.input[1]) if product else None
            shifted = self.maker(cut.input[0]) if cut else None
            if not (product and cut and shifted and cut.op_type == "Clip" and shifted.input[0] == product.input[0]):
                raise ValueError(f"{division.output[0]} is not the end of a hard swish")
            numbers = [float(self.constants[name]) for name in (shifted.input[1], *cut.input[1:], division.input[1])]
            if numbers != [3, 0, 6, 6]:
                raise ValueError(f"{division.output[0]} is a hard swish of other numbers: {numbers}")
            value, gate = product.input[0], f"{division.output[0]}.gate"
            at = self.nodes.index(division)
            self.nodes[at : at + 1] = [
                helper.make_node("HardSigmoid", [value], [gate], alpha=1 / 6, beta=0.5),
                helper.make_node("Mul", [value, gate], list(division.output)),
            ]
            for node in (shifted, cut, product):
                self.nodes.remove(node)

    def fold_backwards(self) -> None:
        """Factors and summands after a convolution go into its weights."""
        for node in list(self.nodes):
            found = self.parts(node)
            before = self.maker(found[0]) if found else None
            if not (found and before) or before.op_type not in ("Conv", "ConvTranspose"):
                continue
            if len(self.users(found[0])) > 1:
                continue
            kernel, bias = self.weights(before)
            number = found[1].astype(np.float64)
            if node.op_type == "Add":
                bias = bias + number
            else:
                # A transposed convolution's kernel has its output channels second.
                shape = (-1, 1, 1, 1) if before.op_type == "Conv" else (1, -1, 1, 1)
                kernel, bias = kernel * number.reshape(shape), bias * number
            self.set_weights(before, kernel, bias)
            self.drop(node, before.output[0])

    def fold_forwards(self) -> None:
        """A factor for all before convolutions goes into theirs, and so does the summand where nothing is padded."""
        for node in [n for n in self.nodes if n.op_type == "Mul"]:
            found = self.parts(node)
            if not found or len(found[1]) != 1:
                continue
            (after,) = self.users(node.output[0])
            shift = self.parts(after)
            users = self.users(after.output[0])
            if after.op_type != "Add" or not shift or any(user.op_type != "Conv" for user in users):
                continue
            self._fold_into(users, float(found[1][0]), float(shift[1][0]))
            name = f"{after.output[0]}.summand"
            self.constants[name] = (shift[1] / found[1]).astype(np.float32)
            after.input[:] = [found[0], name]
            self.drop(node, found[0])
            if all(_is_pointwise(user) for user in users):
                self.drop(after, found[0])

    def _fold_into(self, users: list[NodeProto], factor: float, summand: float) -> None:
        pointwise = all(_is_pointwise(user) for user in users)
        for user in users:
            kernel, bias = self.weights(user)
            if pointwise:
                bias = bias + summand * kernel.sum(axis=(1, 2, 3))
            self.set_weights(user, kernel * factor, bias)

    def shorten_gates(self) -> None:
        """x + x * gate, two steps over a whole map, becomes x * (gate + 1): the gate is one number a channel."""
        self.constants["one"] = np.ones(1, np.float32)
        for addition in [n for n in self.nodes if n.op_type == "Add"]:
            product = self.maker(addition.input[1])
            if not product or product.op_type != "Mul" or product.input[0] != addition.input[0]:
                continue
            raised = f"{product.input[1]}.raised"
            at = self.nodes.index(addition)
            self.nodes[at : at + 1] = [
                helper.make_node("Add", [product.input[1], "one"], [raised]),
                helper.make_node("Mul", [addition.input[0], raised], list(addition.output)),
            ]
            self.nodes.remove(product)

    def with_pixels(self) -> onnx.ModelProto:
        """The finished model: the first convolution takes RGB from 0 to 255, less the mean."""
        (first,) = self.users(INPUT)
        kernel, bias = self.weights(first)
        self.set_weights(first, (kernel / DEVIATION.reshape(1, -1, 1, 1))[:, ::-1], bias)
        self.constants["mean"] = MEAN[::-1].reshape(1, 3, 1, 1)
        nodes = [
            helper.make_node("Cast", ["pixels"], ["pixels.float"], to=TensorProto.FLOAT),
            helper.make_node("Transpose", ["pixels.float"], ["pixels.planes"], perm=[0, 3, 1, 2]),
            helper.make_node("Sub", ["pixels.planes", "mean"], [INPUT]),
            *self.nodes,
        ]
        for node in nodes:
            node.output[:] = ["heatmap" if name == OUTPUT else name for name in node.output]
            node.name = f"{node.op_type}.{node.output[0]}"
        used = {name for node in nodes for name in node.input}
        graph = helper.make_graph(
            nodes,
            "text",
            [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", "height", "width", 3])],
            [helper.make_tensor_value_info("heatmap", TensorProto.FLOAT, ["batch", 1, "height", "width"])],
            [numpy_helper.from_array(np.ascontiguousarray(v), n) for n, v in self.constants.items() if n in used],
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="passerby"
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def _is_pointwise(node: NodeProto) -> bool:
    return all(list(a.ints) == [1, 1] for a in node.attribute if a.name == "kernel_shape")


def all_but_widest(model: onnx.ModelProto) -> list[str]:
    """Names of all nodes but the five convolutions, 3x3 of 96 channels into 24, that take half of the time."""
    shapes = {weights.name: list(weights.dims) for weights in model.graph.initializer}
    return [n.name for n in model.graph.node if n.op_type != "Conv" or shapes[n.input[1]] != [24, 96, 3, 3]]
