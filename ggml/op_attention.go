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
}

// Name implements Op.
func (OpStore) Name() string { return "store" }

// Store adds the storing of keys and values, F32 [heads*size, columns], each column
// at the position pos of the sequence seq. r may be nil. The result has no elements of
// use; Attention takes it to be computed afterwards.
func (g *Graph) Store(c *Cache, k, v, seq, pos *Tensor, r *Rotation) *Tensor {
	n := c.Heads * c.Size
	if k.Type != F32 || v.Type != F32 || k.Ne[0] != n || v.Ne[0] != n || seq.Type != I32 || pos.Type != I32 {
		g.fail("store %v of %d and %v of %d in a cache of %d", k.Type, k.Ne[0], v.Type, v.Ne[0], n)
	}
	g.checkRotation(c, r)
	return g.add("store", F32, 1, OpStore{c, r}, k, v, seq, pos)
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
	Heads    int     // of queries
	Scale    float32 // of scores, in base 2
}

// Name implements Op.
func (OpAttention) Name() string { return "attention" }

// Attention adds causal attention: F32 [heads*size, columns] from the queries q of
// that shape. A column sees the positions of its sequence up to its own, which
// stored, the result of Store, has put into the cache. Scale is the factor of scores
// times log2(e).
func (g *Graph) Attention(c *Cache, q, stored, seq, pos *Tensor, r *Rotation, scale float32) *Tensor {
	heads := q.Ne[0] / c.Size
	if q.Type != F32 || q.Ne[0]%c.Size != 0 || heads%c.Heads != 0 || heads/c.Heads > MaxGroup || heads == 0 {
		g.fail("attention of %v of %d in heads of %d over %d heads", q.Type, q.Ne[0], c.Size, c.Heads)
	}
	g.checkRotation(c, r)
	return g.add("attention", F32, q.Ne[0], OpAttention{c, r, heads, scale}, q, stored, seq, pos)
}
