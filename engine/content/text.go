package content

// windowLen is how much text is judged at once.
const windowLen = 4 << 10

// detectText tells kinds of text apart, window by window; what differs for a short while
// only does not count.
func detectText(b []byte) []piece {
	var all []piece
	for at := 0; at < len(b); {
		n := min(windowLen, len(b)-at)
		if len(b)-at-n < windowLen/2 {
			n = len(b) - at
		}
		s := textKind(b[at : at+n])
		s.Len = n
		if k := len(all); k > 0 && all[k-1].joins(s) {
			all[k-1].Len += n
		} else {
			all = append(all, piece{at, s})
		}
		at += n
	}
	return smooth(all, 8*windowLen)
}

// smooth lets pieces shorter than least be of the kind of the longer one beside them.
func smooth(all []piece, least int) []piece {
	for len(all) > 1 {
		short := -1
		for i, p := range all {
			if p.Len < least && (short < 0 || p.Len < all[short].Len) {
				short = i
			}
		}
		if short < 0 {
			break
		}
		into := short - 1
		if short == 0 || short+1 < len(all) && all[short+1].Len > all[short-1].Len {
			into = short + 1
		}
		all[short].Segment = Segment{Kind: all[into].Kind, Step: all[into].Step, Len: all[short].Len}
		joined := all[:1:1]
		for _, p := range all[1:] {
			if last := &joined[len(joined)-1]; last.joins(p.Segment) {
				last.Len += p.Len
			} else {
				joined = append(joined, p)
			}
		}
		all = joined
	}
	return all
}

// delimiters are what fields of tables are set apart by.
const delimiters = ",;\t|"

// textKind judges a window of text.
func textKind(b []byte) Segment {
	var fields [len(delimiters)]struct{ now, last, same int }
	lines, alike, tags, code, ends := 0, 0, 0, 0, 0
	var shape, lastShape uint64
	digits, col := 0, 0
	for i, c := range b {
		switch c {
		case '\n':
			if lines > 0 { // the first one is cut
				if shape == lastShape && digits > 3 {
					alike++
				}
				for k := range fields {
					f := &fields[k]
					if f.now > 1 && f.now == f.last {
						f.same++
					}
				}
			}
			for k := range fields {
				fields[k].last, fields[k].now = fields[k].now, 0
			}
			lines++
			lastShape, shape, digits, col = shape, 0, 0, 0
			if i > 1 {
				switch b[i-1] {
				case ';', '{', '}', ')', ':', '\\':
					ends++
				}
			}
			continue
		case ',':
			fields[0].now++
		case ';':
			fields[1].now++
			code++
		case '\t':
			fields[2].now++
		case '|':
			fields[3].now++
		case '<':
			if i+1 < len(b) && (b[i+1]|32 >= 'a' && b[i+1]|32 <= 'z' || b[i+1] == '/' || b[i+1] == '!') {
				tags++
			}
		case '{', '}', '(', ')', '[', ']', '=', '_', '*', '"', '&', '#':
			code++
		}
		if col < 10 {
			class := uint64(3)
			switch {
			case c >= '0' && c <= '9':
				class = 1
				digits++
			case c|32 >= 'a' && c|32 <= 'z':
				class = 2
			}
			shape = shape<<6 | class
			if class == 3 {
				shape += uint64(c&15) << 2
			}
		}
		col++
	}
	full := lines - 1
	if full >= 4 {
		for k := range fields {
			if fields[k].same*10 >= full*9 {
				return Segment{Kind: Table, Step: int(delimiters[k])}
			}
		}
		if alike*10 >= full*7 {
			return Segment{Kind: Log}
		}
	}
	switch {
	case tags*100 >= len(b):
		return Segment{Kind: Markup}
	case code*100 >= len(b)*7, code*100 >= len(b)*4 && ends*5 >= lines:
		return Segment{Kind: Source}
	}
	return Segment{Kind: Text}
}
