package audit

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// walk calls fn for every row that can be read, ascending, outside of the
// transactions they were read in: whoever fn writes to may be slow.
func (l *Log) walk(ctx context.Context, fn func(link, Entry) error) error {
	waiting := l.waiting()
	var at []byte // the key to go on from
	read := uint64(0)
	for more := true; more; {
		var items []item
		if err := l.db.Bolt.View(func(tx *bolt.Tx) error {
			items, at, more = chunk(tx, at)
			return nil
		}); err != nil {
			return err
		}
		for _, it := range items {
			if err := fn(it.link, it.entry); err != nil {
				return err
			}
			read = it.link.Seq
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	for _, r := range waiting {
		if e, err := r.entry(); err == nil && r.Seq > read {
			if err := fn(r.link, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// item is a row as a walk found it.
type item struct {
	link  link
	entry Entry
}

// chunk reads rows from a key on, and tells where the next chunk begins, and
// whether there is more.
func chunk(tx *bolt.Tx, at []byte) (items []item, next []byte, more bool) {
	b := tx.Bucket(rowsBucket)
	if b == nil {
		return nil, nil, false
	}
	c, seen := b.Cursor(), 0
	for k, v := c.Seek(at); k != nil; k, v = c.Next() {
		if seen++; seen > chunkRows {
			return items, slices.Clone(k), true
		}
		if r, e, err := decode(k, v); err == nil {
			items = append(items, item{r.link, e})
		}
	}
	return items, nil, false
}

// Format is how entries are exported.
type Format string

// The formats: an object a line, and a table.
const (
	JSONL Format = "jsonl"
	CSV   Format = "csv"
)

// line is an exported entry.
type line struct {
	Seq     uint64            `json:"seq"`
	Time    string            `json:"time"`
	Actor   string            `json:"actor"`
	Role    string            `json:"role,omitempty"`
	Via     string            `json:"via,omitempty"`
	Address string            `json:"address,omitempty"`
	Action  string            `json:"action"`
	Target  string            `json:"target,omitempty"`
	Camera  string            `json:"camera,omitempty"`
	Result  Result            `json:"result"`
	Detail  map[string]string `json:"detail,omitempty"`
	Hash    string            `json:"sha256"`
}

// Export writes the entries of [from, to), oldest first; a zero time is no
// limit. The hashes go along, so that what was exported proves itself too.
func (l *Log) Export(ctx context.Context, w io.Writer, format Format, from, to time.Time) error {
	write, finish := writeJSON(w), func() error { return nil }
	switch format {
	case JSONL:
	case CSV:
		write, finish = writeCSV(w)
	default:
		return fmt.Errorf("export audit: no format %q", string(format))
	}
	q := Query{From: from, To: to}
	err := l.walk(ctx, func(at link, e Entry) error {
		if !q.match(e) {
			return nil
		}
		return write(line{
			e.Seq, e.Time.Format("2006-01-02T15:04:05.000Z"), e.Actor, e.Role, e.Via, e.Address,
			e.Action, e.Target, e.Camera, e.Result, e.Detail, fmt.Sprintf("%x", at.Hash),
		})
	})
	if err == nil {
		err = finish()
	}
	if err != nil {
		return fmt.Errorf("export audit: %w", err)
	}
	return nil
}

func writeJSON(w io.Writer) func(line) error {
	enc := json.NewEncoder(w)
	return func(l line) error { return enc.Encode(l) }
}

// writeCSV begins with the names of the columns.
func writeCSV(w io.Writer) (write func(line) error, finish func() error) {
	out := csv.NewWriter(w)
	begun := out.Write([]string{"seq", "time", "actor", "role", "via", "address", "action", "target", "camera", "result", "detail", "sha256"})
	write = func(l line) error {
		detail := ""
		if len(l.Detail) > 0 {
			text, err := json.Marshal(l.Detail)
			if err != nil {
				return err
			}
			detail = string(text)
		}
		cells := []string{
			strconv.FormatUint(l.Seq, 10), l.Time, l.Actor, l.Role, l.Via, l.Address,
			l.Action, l.Target, l.Camera, string(l.Result), detail, l.Hash,
		}
		for i, cell := range cells {
			cells[i] = harmless(cell)
		}
		return out.Write(cells)
	}
	return write, func() error {
		out.Flush()
		return errors.Join(begun, out.Error())
	}
}

// harmless keeps a spreadsheet from taking a cell for a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
