"""Write tiny.pt in the format of torch.save, without needing PyTorch.

python3 statedict.py
"""
import collections
import io
import pickle
import struct
import sys
import types
import zipfile

H, E, LAYERS = 4, 3, 2
names = [("embedding.weight", (257, E))]
for layer in range(LAYERS):
    cols = E if layer == 0 else H
    names += [(f"gru.weight_ih_l{layer}", (3 * H, cols)), (f"gru.weight_hh_l{layer}", (3 * H, H)),
              (f"gru.bias_ih_l{layer}", (3 * H,)), (f"gru.bias_hh_l{layer}", (3 * H,))]
names += [("fc.weight", (256, H)), ("fc.bias", (256,))]

torch = types.ModuleType("torch")
utils = types.ModuleType("torch._utils")


class FloatStorage:
    __module__ = "torch"


def _rebuild_tensor_v2(*args):
    raise NotImplementedError


_rebuild_tensor_v2.__module__ = "torch._utils"
torch.FloatStorage, utils._rebuild_tensor_v2 = FloatStorage, _rebuild_tensor_v2
sys.modules.update({"torch": torch, "torch._utils": utils})


class Storage:
    def __init__(self, key, count):
        self.key, self.count = key, count


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.args = (storage, offset, shape, strides, False, collections.OrderedDict())

    def __reduce__(self):
        return _rebuild_tensor_v2, self.args


class Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        if isinstance(obj, Storage):
            return ("storage", FloatStorage, obj.key, "cpu", obj.count)
        return None


state, storages = collections.OrderedDict(), {}
for k, (name, shape) in enumerate(names):
    size = shape[0] * (shape[1] if len(shape) == 2 else 1)
    values = [k + i / 4096 for i in range(size)]
    key, offset = str(k), 0
    strides = (shape[1], 1) if len(shape) == 2 else (1,)
    if name == "gru.weight_hh_l1":  # a transposed view with an offset
        values = [0.0] * 5 + [values[r * shape[1] + c] for c in range(shape[1]) for r in range(shape[0])]
        offset, strides = 5, (1, shape[0])
    storages[key] = struct.pack(f"<{len(values)}f", *values)
    state[name] = Tensor(Storage(key, len(values)), offset, shape, strides)
state._metadata = collections.OrderedDict([("", {"version": 1})])

text = io.BytesIO()
Pickler(text, protocol=2).dump(state)
with zipfile.ZipFile("tiny.pt", "w", zipfile.ZIP_STORED) as z:
    def add(name, data):
        z.writestr(zipfile.ZipInfo("tiny/" + name), data)
    add("data.pkl", text.getvalue())
    add("byteorder", "little")
    for key, data in storages.items():
        add("data/" + key, data)
    add("version", "3\n")
