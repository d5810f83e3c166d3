package ggml

// MaxHead is the largest number of elements of an attention head, and MaxGroup of
// heads that share keys and values.
const (
	MaxHead  = 256
	MaxGroup = 64
)

// Cache holds the keys and values of past positions, for each of a number of
// sequences.
type Cache struct {
	Name      string
	Sequences int
	Positions int // of a sequence
	Heads     int // of keys and values
	Size      int // elements of a head
}

// Cache adds a cache.
func (g *Graph) Cache(c Cache) *Cache {
	if c.Sequences < 1 || c.Positions < 1 || c.Positions > 1<<20 || c.Heads < 1 || c.Size < 2 || c.Size > MaxHead || c.Size%2 != 0 {
		g.fail("cache of %d sequences, %d positions, %d heads of %d", c.Sequences, c.Positions, c.Heads, c.Size)
	}
	return &c
}

// Rotation turns pairs of elements of queries and keys by an angle that depends on
// the position (RoPE; Su et al. 2021): elements i and i+Dim/2 of a head if Halves,
// 2i and 2i+1 otherwise, for i under Dim/2.
type Rotation struct {
	Dim      int
	Halves   bool
	Cos, Sin []float32 // [position][Dim/2]
}

// OpStore is the operation of Graph.Store.
type OpStore struct {
	Cache    *Cache
	Rotation *Rotation
	K, V     *Matrix
}

// Name implements Op.
func (OpStore) Name() string { return "store" }

// Store adds the storing of keys and values, the products of k and v with the MX8
// activations a, each column's at the position pos of the sequence seq. r may be nil.
// The result has no elements of use; Attention takes it to be computed afterwards.
func (g *Graph) Store(c *Cache, k, v *Matrix, a, seq, pos *Tensor, r *Rotation) *Tensor {
	n := c.Heads * c.Size
	if k.Rows != n || v.Rows != n || k.Groups != 1 || v.Groups != 1 || seq.Type != I32 || pos.Type != I32 {
		g.fail("store %d keys and %d values in a cache of %d", k.Rows, v.Rows, n)
	}
	g.checkProduct(k, a)
	g.checkProduct(v, a)
	g.checkRotation(c, r)
	return g.add("store", F32, 1, OpStore{c, r, k, v}, a, seq, pos)
}

func (g *Graph) checkProduct(m *Matrix, a *Tensor) {
	if a.Type != MX8 || a.Ne[0] != m.Cols {
		g.fail("%d x %d matrix times %v activations of %d", m.Rows, m.Cols, a.Type, a.Ne[0])
	}
}

func (g *Graph) checkRotation(c *Cache, r *Rotation) {
	if r == nil {
		return
	}
	if n := r.Dim / 2 * c.Positions; r.Dim < 2 || r.Dim%2 != 0 || r.Dim > c.Size || len(r.Cos) < n || len(r.Sin) < n {
		g.fail("rotation of %d elements of %d, %d angles for %d positions", r.Dim, c.Size, len(r.Cos), c.Positions)
	}
}

// OpAttention is the operation of Graph.Attention.
type OpAttention struct {
	Cache    *Cache
	Rotation *Rotation
	Q        *Matrix
	Heads    int     // of queries
	Scale    float32 // of scores, in base 2
}

// Name implements Op.
func (OpAttention) Name() string { return "attention" }

// Attention adds causal attention: F32 [heads*size, columns] for the queries, the
// products of q with the MX8 activations a. A column sees the positions of its
// sequence up to its own, which stored, the result of Store, has put into the cache.
// Scale is the factor of scores times log2(e).
func (g *Graph) Attention(c *Cache, q *Matrix, a, stored, seq, pos *Tensor, r *Rotation, scale float32) *Tensor {
	heads := q.Rows / c.Size
	if q.Rows%c.Size != 0 || heads%c.Heads != 0 || heads/c.Heads > MaxGroup || heads == 0 || q.Groups != 1 {
		g.fail("attention of %d queries in heads of %d over %d heads", q.Rows, c.Size, c.Heads)
	}
	g.checkProduct(q, a)
	g.checkRotation(c, r)
	return g.add("attention", F32, q.Rows, OpAttention{c, r, q, heads, scale}, a, stored, seq, pos)
}
