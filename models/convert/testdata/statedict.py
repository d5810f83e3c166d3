"""Write state dicts in the formats of torch.save, without needing PyTorch:
tiny.pt, tiny4.pt (pickle protocol 4, wrapped as trainings do), big.pt (big-endian)
and legacy.bin (before PyTorch 1.6).

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


class ByteStorage:
    __module__ = "torch"


class BoolStorage:
    __module__ = "torch"


def _rebuild_tensor_v2(*args):
    raise NotImplementedError


_rebuild_tensor_v2.__module__ = "torch._utils"
torch.FloatStorage, torch.ByteStorage, torch.BoolStorage = FloatStorage, ByteStorage, BoolStorage
utils._rebuild_tensor_v2 = _rebuild_tensor_v2
sys.modules.update({"torch": torch, "torch._utils": utils})


class Storage:
    def __init__(self, key, count, kind=FloatStorage):
        self.key, self.count, self.kind = key, count, kind


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.args = (storage, offset, shape, strides, False, collections.OrderedDict())

    def __reduce__(self):
        return _rebuild_tensor_v2, self.args


class Pickler(pickle.Pickler):
    legacy = False

    def persistent_id(self, obj):
        if isinstance(obj, Storage):
            return ("storage", obj.kind, obj.key, "cpu", obj.count) + ((None,) if self.legacy else ())
        return None


def dump(obj, protocol, legacy=False):
    text = io.BytesIO()
    p = Pickler(text, protocol=protocol)
    p.legacy = legacy
    p.dump(obj)
    return text.getvalue()


state, storages = collections.OrderedDict(), {}
for k, (name, shape) in enumerate(names):
    size = shape[0] * (shape[1] if len(shape) == 2 else 1)
    values = [k + i / 4096 for i in range(size)]
    key, offset = str(k), 0
    strides = (shape[1], 1) if len(shape) == 2 else (1,)
    if name == "gru.weight_hh_l1":  # a transposed view with an offset
        values = [0.0] * 5 + [values[r * shape[1] + c] for c in range(shape[1]) for r in range(shape[0])]
        offset, strides = 5, (1, shape[0])
    storages[key] = values
    state[name] = Tensor(Storage(key, len(values)), offset, shape, strides)
state._metadata = collections.OrderedDict([("", {"version": 1})])


def save(path, text, order="little"):
    sign = "<" if order == "little" else ">"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as z:
        def add(name, data):
            z.writestr(zipfile.ZipInfo("tiny/" + name), data)
        add("data.pkl", text)
        add("byteorder", order)
        for key, values in storages.items():
            add("data/" + key, struct.pack(f"{sign}{len(values)}f", *values))
        add("version", "3\n")


save("tiny.pt", dump(state, 2))
save("big.pt", dump(state, 2), "big")
wrapped = {"epoch": 3, "loss": [1.5, 1.25], "big": 1 << 70, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1, "params": [0, 1]}]},
           "state_dict": collections.OrderedDict(("module._orig_mod." + name, t) for name, t in state.items())}
save("tiny4.pt", dump(wrapped, 4))

masks = {"steps": Tensor(Storage("m0", 1, ByteStorage), 0, (), ()), "flag": Tensor(Storage("m1", 1, BoolStorage), 0, (), ())}
both = collections.OrderedDict(list(state.items())[:3] + list(masks.items()) + list(state.items())[3:])
with open("legacy.bin", "wb") as f:
    for obj in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}):
        f.write(dump(obj, 2))
    f.write(dump(both, 2, legacy=True))
    keys = sorted(storages) + ["m0", "m1"]
    f.write(dump(keys, 2))
    for key in keys:
        values = storages.get(key)
        if values is None:
            f.write(struct.pack("<q", 1) + b"\1")
        else:
            f.write(struct.pack(f"<q{len(values)}f", len(values), *values))
