package checkpoint

// A storage is a one-dimensional array that tensors are views of.
type storage struct {
	dtype DType
	key   string
	count int64 // elements
	// class is its type's name, for messages.
	class string
	at    int64 // of its first byte in the file, -1 where there is no data
	// root is the storage that this one is a part of, as PyTorch before 0.4 wrote, from
	// element offset on; else nil.
	root   *storage
	offset int64
}

var storageTypes = map[string]DType{
	"DoubleStorage": F64, "FloatStorage": F32, "HalfStorage": F16, "BFloat16Storage": BF16,
	"LongStorage": I64, "IntStorage": I32, "ShortStorage": I16, "CharStorage": I8, "ByteStorage": U8, "BoolStorage": Bool,
	"ComplexDoubleStorage": Complex128, "ComplexFloatStorage": Complex64,
	"UntypedStorage": U8, "QInt8Storage": I8, "QUInt8Storage": U8, "QInt32Storage": I32,
}

// torchTypes are the names of types in module torch.
var torchTypes = map[string]DType{
	"float64": F64, "double": F64, "float32": F32, "float": F32, "float16": F16, "half": F16, "bfloat16": BF16,
	"int64": I64, "int32": I32, "int16": I16, "int8": I8, "uint8": U8, "bool": Bool,
}

// A view is a tensor as it is pickled.
type view struct {
	storage *storage
	dtype   DType
	offset  int64 // elements
	shape   []int
	stride  []int
}

// storage makes a storage of a persistent id: ("storage", type, key, location,
// elements), and in old files a view: (key, offset, elements).
func (p *pickle) storage(id any) (*storage, error) {
	t, ok := id.(*tuple)
	if !ok || len(t.items) < 5 || t.items[0] != "storage" {
		return nil, formatf("a pickle has a persistent id that is no storage")
	}
	g, ok1 := t.items[1].(global)
	key, ok2 := t.items[2].(string)
	count, ok3 := t.items[4].(int64)
	if !ok1 || !ok2 || !ok3 || count < 0 || count > maxElements {
		return nil, formatf("a pickle describes a storage in a way that is not known")
	}
	s := p.storages[key]
	if s == nil {
		s = &storage{dtype: storageTypes[g.name], key: key, count: count, class: g.String(), at: -1}
		p.storages[key] = s
		p.order = append(p.order, s)
	}
	if s.dtype != storageTypes[g.name] || s.count != count {
		return nil, formatf("storage %q is described in two ways", shorten(key))
	}
	if len(t.items) > 5 {
		if v, ok := t.items[5].(*tuple); ok && len(v.items) == 3 {
			offset, ok1 := v.items[1].(int64)
			size, ok2 := v.items[2].(int64)
			if !ok1 || !ok2 || offset < 0 || size < 0 || size > count || offset > count-size {
				return nil, formatf("storage %q has a view outside of it", shorten(key))
			}
			return &storage{dtype: s.dtype, key: key, count: size, class: s.class, root: s, offset: offset}, nil
		}
	}
	return s, nil
}

// call stands for the call of a function or the making of an object.
func (p *pickle) call(f, args any) (any, error) {
	g, ok := f.(global)
	a, ok2 := args.(*tuple)
	if !ok || !ok2 {
		return &object{}, nil
	}
	switch g.module {
	case "collections":
		return p.container(g, a)
	case "torch._utils":
		switch g.name {
		case "_rebuild_parameter", "_rebuild_parameter_with_state": // (data, requires_grad, hooks)
			if len(a.items) > 0 {
				if v, ok := a.items[0].(*view); ok {
					return v, nil
				}
			}
		case "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3": // (storage, offset, shape, stride, …)
			return rebuild(g, a.items)
		}
	case "torch._tensor":
		if g.name == "_rebuild_from_type_v2" && len(a.items) >= 3 { // (function, type, arguments, state)
			if inner, ok := a.items[0].(global); ok && inner.module == "torch._utils" {
				return p.call(inner, a.items[2])
			}
		}
	}
	return &object{g}, nil
}

// container makes the dictionaries of module collections.
func (p *pickle) container(g global, a *tuple) (any, error) {
	if g.name != "OrderedDict" && g.name != "defaultdict" {
		return &object{g}, nil
	}
	d := &dict{}
	if len(a.items) != 1 || g.name != "OrderedDict" {
		return d, nil
	}
	pairs, ok := a.items[0].(*list) // Python 2: [[key, value], …]
	if !ok {
		return d, nil
	}
	if p.values += 2 * len(pairs.items); p.values > maxValues {
		return nil, formatf("a pickle makes more than %d values", maxValues)
	}
	for _, x := range pairs.items {
		var kv []any
		switch x := x.(type) {
		case *list:
			kv = x.items
		case *tuple:
			kv = x.items
		}
		if len(kv) == 2 {
			d.keys, d.values = append(d.keys, kv[0]), append(d.values, kv[1])
		}
	}
	return d, nil
}

func rebuild(g global, a []any) (any, error) {
	if len(a) >= 4 {
		s, ok := a[0].(*storage)
		offset, ok2 := a[1].(int64)
		shape, ok3 := ints(a[2])
		stride, ok4 := ints(a[3])
		v := &view{storage: s, offset: offset, shape: shape, stride: stride}
		if ok && ok2 && ok3 && ok4 && s != nil {
			v.dtype = s.dtype
			if g.name == "_rebuild_tensor_v3" && len(a) > 6 { // its bytes are of a type that has no storage
				t, _ := a[6].(global)
				v.dtype = torchTypes[t.name]
			}
			return v, nil
		}
	}
	return nil, formatf("a pickle calls %v in a way that is not known", g)
}

func ints(v any) ([]int, bool) {
	var items []any
	switch v := v.(type) {
	case *tuple:
		items = v.items
	case *list:
		items = v.items
	default:
		return nil, false
	}
	if len(items) > maxDims {
		return nil, false
	}
	out := make([]int, len(items))
	for i, x := range items {
		n, ok := x.(int64)
		if !ok {
			return nil, false
		}
		out[i] = int(n)
	}
	return out, true
}
