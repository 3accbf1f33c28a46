# SPDX-License-Identifier: Apache-2.0
"""What heft should see in a PyTorch file, from the objects that torch itself loads: spec/foreign/pytorch.md, 2 and 3."""

import numpy
import torch

# The name of spec/ids.md by torch's own name of a dtype (Y2-3).
TYPES = {
    "float32": "F32", "float64": "F64", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL", "complex64": "C64", "complex128": "C128",
    "uint16": "U16", "uint32": "U32", "uint64": "U64", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2",
    "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ", "float8_e8m0fnu": "F8_E8M0",
    "float4_e2m1fn_x2": "F4", "qint8": "I8", "quint8": "U8", "qint32": "I32",
}  # fmt: skip
WRAPPERS = {"state_dict", "model_state_dict", "model", "module", "weights"}
OPTIMIZERS = {"optimizer", "optimizer_state", "optimizer_state_dict", "optimizer_states", "optimizers"}
OPTIMIZERS |= {"lr_scheduler", "lr_schedulers", "scheduler", "scheduler_state_dict"}
STATES = {"callbacks", "loops", "hyper_parameters", "datamodule_hyper_parameters", "rng_state", "rng_states"}
STATES |= {"scaler", "scaler_state_dict", "native_amp_scaling_state"}
LAYOUTS = {
    torch.sparse_coo: ("indices", "values"),
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}


def type_name(tensor):
    return str(tensor.dtype).removeprefix("torch.")


def logical(tensor):
    """(dtype name, shape, bytes), gathered from the storage by NumPy and not by torch."""
    dtype, shape = TYPES[type_name(tensor)], tuple(tensor.shape)
    data = b""
    if tensor.numel():
        size = tensor.element_size()
        storage = torch.empty(0, dtype=torch.uint8).set_(tensor.untyped_storage()).numpy()
        items = storage[tensor.storage_offset() * size :]
        items = items[: len(items) // size * size].view(f"V{size}")
        strides = [stride * size for stride in tensor.stride()]
        data = numpy.lib.stride_tricks.as_strided(items, shape, strides, writeable=False).tobytes()
    if dtype == "F4":
        shape = (*shape[:-1], 2 * shape[-1])
    return dtype, shape, data


def numpy_logical(array):
    """The same of what a test makes by itself."""
    return logical(torch.from_numpy(array))


class Walk:
    """From the root of what was saved."""

    def __init__(self, root):
        self.found, self.taken, self.inside = [], set(), []
        self.root = root
        if isinstance(root, torch.Tensor):
            self.tensor(root, "tensor", "weights")
        else:
            self.value(root, "", "weights")
        self.unwrap()

    def value(self, value, path, space):
        if isinstance(value, torch.Tensor):
            self.tensor(value, path, space)
            return
        if id(value) in self.inside:
            return
        self.inside.append(id(value))
        if isinstance(value, torch.nn.Module):
            self.module(value, path, space)
        elif isinstance(value, dict):
            if "state" in value and "param_groups" in value:
                space = "optimizer"
            for key, item in value.items():
                self.value(item, join(path, key), self.at_root(key, item) if value is self.root else space)
        elif isinstance(value, (list, tuple)):
            for i, item in enumerate(value):
                self.value(item, join(path, i), space)
        elif hasattr(value, "__dict__") and not isinstance(value, type):
            for key, item in vars(value).items():
                self.value(item, join(path, key), space)
        self.inside.pop()

    def at_root(self, key, item):
        """The space of what lies below a key of the root (Y3-4, Y3-5)."""
        if "state" in self.root and "param_groups" in self.root or key in OPTIMIZERS:
            return "optimizer"
        lone = isinstance(item, torch.Tensor) and any(has_tensors(self.root[wrapper]) for wrapper in WRAPPERS & set(self.root))
        return "state" if lone or key in STATES else "weights"

    def module(self, module, path, space):
        state = vars(module)
        for key, item in state["_parameters"].items():
            if item is not None:
                self.value(item, join(path, key), space)
        for key, item in state["_buffers"].items():
            if item is not None:
                self.value(item, join(path, key), "state" if key in state["_non_persistent_buffers_set"] else space)
        for key, item in state["_modules"].items():
            if item is not None:
                self.value(item, join(path, key), space)
        for key, item in state.items():
            if isinstance(item, torch.Tensor):
                self.value(item, join(path, key), "state")

    def tensor(self, tensor, name, space):
        if tensor.layout in LAYOUTS:
            coo = tensor.layout == torch.sparse_coo
            for part in LAYOUTS[tensor.layout]:
                inner = getattr(tensor, f"_{part}" if coo else part)()
                self.add(space, f"{name}.{part}", logical(inner))
        elif tensor.is_quantized:
            self.add(space, name, logical(tensor.detach()))
            if tensor.qscheme() in (torch.per_channel_affine, torch.per_channel_affine_float_qparams):
                self.add(space, f"{name}.scales", logical(tensor.q_per_channel_scales()))
                self.add(space, f"{name}.zero_points", logical(tensor.q_per_channel_zero_points()))
        else:
            self.add(space, name, logical(tensor.detach()))

    def add(self, space, name, tensor):
        self.found.append((space, name, *tensor))

    def unwrap(self):
        """Y3-3, and Y3-7's numbers behind a name that was there before."""
        names = [name for space, name, *_ in self.found if space == "weights"]
        for key in WRAPPERS if isinstance(self.root, dict) else ():
            if names and all(name.startswith(f"{key}.") for name in names):
                self.found = [
                    (space, name.removeprefix(f"{key}.") if space == "weights" else name, *tensor)
                    for space, name, *tensor in self.found
                ]
        for i, (space, name, *tensor) in enumerate(self.found):
            unique, n = name, 2
            while (space, unique) in self.taken:
                unique, n = f"{name}#{n}", n + 1
            self.taken.add((space, unique))
            self.found[i] = (space, unique, *tensor)


def has_tensors(value):
    """Below it; a tensor itself is none."""
    return not isinstance(value, torch.Tensor) and bool(Walk(value).found)


def join(path, key):
    return f"{path}.{key}" if path else str(key)


def tensors_of_value(root):
    """[(space, name, dtype name, shape, bytes)]"""
    return Walk(root).found


def random_tensor(random, kind, shape):
    """Of random bits."""
    dtype = getattr(torch, kind)
    size = torch.empty(0, dtype=dtype).element_size()
    n = int(numpy.prod(shape, dtype=numpy.int64))
    data = random.integers(0, 2 if kind == "bool" else 256, n * size, numpy.uint8)
    made = torch.empty(shape, dtype=dtype)
    if n:
        torch.empty(0, dtype=torch.uint8).set_(made.untyped_storage())[:] = torch.from_numpy(data)
    return made
