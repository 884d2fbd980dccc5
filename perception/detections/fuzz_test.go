package detections

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"reflect"
	"slices"
	"testing"
	"time"

	"vedette/internal/faultfs"
)

// FuzzDecode: no payload makes decode panic or take more than its length explains,
// and what it accepts is what encode writes, to the meaning.
func FuzzDecode(f *testing.F) {
	for _, i := range []int{0, 1, 2, 3, 7, 14, 21} {
		f.Add(encode(nil, new(batch(i))))
	}
	f.Add([]byte{version, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, payload []byte) {
		b, err := decode(5, payload)
		k, ok := keysOf(payload)
		if err != nil {
			return
		}
		if !ok || string(k.camera) != b.Camera || k.time != b.Time.UnixMilli() || cap(b.Detections) > len(payload) {
			t.Fatalf("keys %v, %v of %+v", k, ok, b)
		}
		again, err := decode(5, encode(nil, &b))
		if err != nil || !same(again, b) {
			t.Fatalf("%+v became %+v, %v", b, again, err)
		}
	})
}

// same compares by what is written, because NaN is not equal to itself.
func same(a, b Batch) bool { return bytes.Equal(encode(nil, &a), encode(nil, &b)) }

// chunkFile returns the bytes of a chunk with some batches, closed or not, and its
// name.
func chunkFile(t testing.TB, closed bool, batches int) (*faultfs.Disk, string, []byte) {
	d := faultfs.New(faultfs.Options{})
	o := tiny()
	o.ChunkBytes = 64 << 10
	l := New(o)
	s, err := openStore(disk{d}, l.o)
	if err != nil {
		t.Fatal(err)
	}
	l.store, l.taken = s, true
	for i := range batches {
		b := batch(i)
		w, err := wait(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.commit(s, []*waiting{w}); err != nil || w.err != nil {
			t.Fatal(err, w.err)
		}
	}
	if closed {
		l.detach(s, nil)
	}
	data, err := d.ReadFile(chunkName(1))
	if err != nil {
		t.Fatal(err)
	}
	return d, chunkName(1), data
}

// put makes a disk with one file.
func put(t testing.TB, name string, data []byte) *faultfs.Disk {
	t.Helper()
	d := faultfs.New(faultfs.Options{})
	f, err := disk{d}.create(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 0 {
		if _, err := f.WriteAt(data, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

// FuzzOpen: whatever a file holds, the log opens, what it shows is whole and in
// order, it takes more, and it shows the same after another start.
func FuzzOpen(f *testing.F) {
	for _, closed := range []bool{true, false} {
		_, _, data := chunkFile(f, closed, 9)
		data = data[:min(len(data), 4<<10)]
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		// Only the few who know how to make sums get far: help all others.
		fixSums(data)
		d := put(t, chunkName(1), data)
		o := tiny()
		for range 2 {
			l := New(o)
			s, err := openStore(disk{d}, l.o)
			if err != nil {
				t.Fatal(err)
			}
			l.store, l.taken = s, true
			before := all(t, l)
			for i, b := range before {
				if i > 0 && b.Seq <= before[i-1].Seq {
					t.Fatalf("%d after %d", b.Seq, before[i-1].Seq)
				}
			}
			if _, _, err := l.Query(t.Context(), Query{Limit: 100}); err != nil {
				t.Fatal(err)
			}
			if s.next < 1<<62 {
				b := batch(77)
				w, _ := wait(&b)
				if err := l.commit(s, []*waiting{w}); err != nil || w.err != nil {
					t.Fatal(err, w.err)
				}
			}
			l.detach(s, nil)
		}
	})
}

// FuzzFooter: no body makes decodeBody panic, and what it accepts leads nowhere
// outside of the chunk.
func FuzzFooter(f *testing.F) {
	_, _, data := chunkFile(f, true, 30)
	h, _ := decodeHeader(data)
	end, _ := trailer(data[len(data)-trailerBytes:])
	body := data[end+footerPrefix:]
	body = body[:len(body)-trailerBytes-30*frameBytes]
	if c, err := decodeBody(body, h, end); err != nil || c.rows != 30 || !bytes.Equal(c.encodeBody(), body) {
		f.Fatalf("the seed is no footer: %v", err)
	}
	f.Add(body)
	f.Add(body[:len(body)/2])
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := decodeBody(body, h, end)
		if err != nil {
			return
		}
		for i := range c.marks {
			if from, to := c.block(i); from < headerBytes || to <= from || to > end {
				t.Fatalf("block %d from %d to %d of %d", i, from, to, end)
			}
		}
		c.filter.has(uint64(len(body)) * 0x9e3779b97f4a7c15)
	})
}

// fixSums gives header and footer of a chunk the sums that they should have.
func fixSums(data []byte) {
	if len(data) < headerBytes {
		return
	}
	h, _ := decodeHeader(data)
	h.number = 1
	copy(h.id[:], data[8:])
	if data[0] == 'V' {
		copy(data, (&header{id: h.id, number: 1, next: 1}).encode())
	}
}

func TestATornFileShowsWhatIsWholeAtEveryByte(t *testing.T) {
	const batches = 12
	_, name, data := chunkFile(t, false, batches)
	d := put(t, name, data)
	l := New(tiny())
	s, err := openStore(disk{d}, l.o)
	if err != nil {
		t.Fatal(err)
	}
	l.store = s
	whole := all(t, l)
	if len(whole) != batches {
		t.Fatalf("%d batches, want %d", len(whole), batches)
	}
	var ends []int
	end := headerBytes
	for i := range whole {
		end += prefixBytes + len(encode(nil, &whole[i]))
		ends = append(ends, end)
	}
	for at := headerBytes; at <= end; at++ {
		for _, kind := range []string{"cut", "zeros", "one byte"} {
			torn := bytes.Clone(data)
			want := 0
			for want < batches && ends[want] <= at {
				want++
			}
			switch kind {
			case "cut":
				torn = torn[:at]
			case "zeros":
				clear(torn[at:])
				// A record that ends in zeros is whole without them.
				for want < batches && bytes.Equal(torn[:ends[want]], data[:ends[want]]) {
					want++
				}
			case "one byte":
				if at == end {
					continue
				}
				torn[at] ^= 0x10
			}
			l := New(tiny())
			s, err := openStore(disk{put(t, name, torn)}, l.o)
			if err != nil {
				t.Fatalf("%s at %d: %v", kind, at, err)
			}
			l.store = s
			if got := all(t, l); len(got) != want || want > 0 && !reflect.DeepEqual(got, whole[:want]) {
				t.Fatalf("%s at %d: %d batches, want %d", kind, at, len(got), want)
			}
		}
	}
}

func TestADamagedRecordOfAClosedChunkCostsItsBlock(t *testing.T) {
	o := tiny()
	o.ChunkBytes = 256 << 10
	d := disk{faultfs.New(faultfs.Options{})}
	l := attach(t, New(o), d)
	var want []Batch
	for i := range 1500 {
		b := batch(i)
		b.Seq, _ = add(t, l.Log, b)
		want = append(want, b)
	}
	_ = l.stop()
	f, err := d.open(chunkName(1), true)
	if err != nil {
		t.Fatal(err)
	}
	at := int64(headerBytes + blockBytes*3/2)
	if _, err := f.WriteAt([]byte("damage"), at); err != nil {
		t.Fatal(err)
	}
	l = attach(t, New(o), d)
	_, chunks, err := l.view()
	if err != nil || len(chunks) != 1 || len(chunks[0].marks) < 4 {
		t.Fatalf("%d chunks, %v", len(chunks), err)
	}
	got := all(t, l.Log)
	hole := 0
	for hole < len(got) && got[hole].Seq == want[hole].Seq {
		hole++
	}
	lost := len(want) - len(got)
	if from, to := chunks[0].marks[1].seq, chunks[0].marks[2].seq; lost == 0 || want[hole].Seq <= from || want[hole+lost].Seq != to {
		t.Fatalf("%d batches are lost from %d on; want some between %d and %d", lost, want[hole].Seq, from, to)
	}
	if !reflect.DeepEqual(got, append(want[:hole:hole], want[hole+lost:]...)) {
		t.Error("what is left is not what was there")
	}
	if _, duplicate := add(t, l.Log, batch(hole)); duplicate {
		t.Error("the frame of a batch that nobody can read is a duplicate")
	}
	got = append(got, batch(hole))
	rows, _, err := l.Query(t.Context(), Query{Limit: 1e6})
	if want := naive(got, Query{}); err != nil || len(rows) != len(want) {
		t.Errorf("a query finds %d rows, %v; want %d", len(rows), err, len(want))
	}
}

func TestAFileThatIsNoChunkIsKept(t *testing.T) {
	_, name, data := chunkFile(t, true, 9)
	damaged := bytes.Clone(data)
	damaged[20] ^= 1 // the id: the header is not whole, but there are records
	for _, c := range []struct {
		name string
		data []byte
		keep bool
	}{
		{"a chunk whose header is damaged", damaged, true},
		{"what a power cut left of a new one", data[:headerBytes-1], false},
		{"an empty file", nil, false},
		{"a chunk under another number", bytes.Clone(data), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := name
			if c.name == "a chunk under another number" {
				file = chunkName(7)
			}
			d := put(t, file, c.data)
			l := attach(t, New(small()), disk{d})
			if got := all(t, l.Log); len(got) != 0 {
				t.Errorf("%d batches", len(got))
			}
			kept, err := d.ReadFile(file + badSuffix)
			if c.keep != (err == nil && bytes.Equal(kept, c.data)) {
				t.Errorf("kept: %v, %v; want %v", len(kept), err, c.keep)
			}
			add(t, l.Log, batch(1))
			if _, err := l.PruneBefore(t.Context(), day.AddDate(1, 0, 0), 1000); err != nil {
				t.Fatal(err)
			}
			if _, err := d.ReadFile(file + badSuffix); err == nil {
				t.Error("it stays after all that was younger is gone")
			}
		})
	}
}

// TestTheFormatIsWhatTheDocumentSays pins the example of docs/format/detections.md.
func TestTheFormatIsWhatTheDocumentSays(t *testing.T) {
	half := float32(0.5)
	b := Batch{
		Received: day, Time: day.Add(-40 * time.Millisecond), Camera: "yard", TaskType: "detection", FrameID: "f1",
		Detections: []Detection{{Label: "person", Confidence: &half, Box: &[4]float32{0, 0, 1, 1}, Track: "7"}},
	}
	const want = "01002880eff09d0100004f047961726409646574656374696f6e026631000000000001070006706572736f6e010000003f00000000000000000000803f0000803f0137"
	if got := hex.EncodeToString(encode(nil, &b)); got != want {
		t.Errorf("payload\n%s, want\n%s", got, want)
	}
	h := head{camera: "yard", taskType: "detection", frame: "f1"}
	if got, want := (storeID{}).fingerprint(h), uint64(0x64ea5a5854f46565); got != want {
		t.Errorf("fingerprint %016x, want %016x", got, want)
	}
	if (storeID{1}).fingerprint(h) == (storeID{}).fingerprint(h) {
		t.Error("two stores have the same fingerprints: whoever knows them can make two alike")
	}
}

func TestOnlyTheWholeKeyNamesAFrame(t *testing.T) {
	k := keys{camera: []byte("yard"), taskType: []byte("anpr"), frame: []byte("f1")}
	for _, c := range []struct {
		h    head
		same bool
	}{
		{head{camera: "yard", taskType: "anpr", frame: "f1"}, true},
		{head{camera: "gate", taskType: "anpr", frame: "f1"}, false},
		{head{camera: "yard", taskType: "detection", frame: "f1"}, false},
		{head{camera: "yard", taskType: "anpr", frame: "f2"}, false},
	} {
		if got := c.h.sameFrame(k); got != c.same {
			t.Errorf("%+v: %v, want %v", c.h, got, c.same)
		}
	}
}

func TestADamagedFooterIsMadeAnew(t *testing.T) {
	const batches = 12
	_, name, data := chunkFile(t, true, batches)
	end, ok := trailer(data[len(data)-trailerBytes:])
	if !ok {
		t.Fatal("no footer")
	}
	table := len(data) - trailerBytes - batches*frameBytes
	for at := int(end); at < len(data); at++ {
		if at >= table && at < len(data)-trailerBytes {
			continue // the table has no sum: a frame more or less is found in it
		}
		damaged := bytes.Clone(data)
		damaged[at] ^= 0x04
		d := put(t, name, damaged)
		l := New(tiny())
		s, err := openStore(disk{d}, l.o)
		if err != nil {
			t.Fatalf("at %d: %v", at, err)
		}
		l.store = s
		if got := all(t, l); len(got) != batches {
			t.Fatalf("at %d: %d batches, want %d", at, len(got), batches)
		}
		if again, err := d.ReadFile(name); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("at %d: the file is not as before, %v", at, err)
		}
	}
}

func TestAFooterThatLeadsAstrayIsNone(t *testing.T) {
	good := func() *chunk {
		return &chunk{
			header: header{id: storeID{1}, number: 3}, rows: 9, first: 10, last: 18, end: 3000, cameras: []string{"yard"},
			marks: []mark{{seq: 10, at: headerBytes}, {seq: 12, at: 1000}, {seq: 15, at: 2000}}, filter: make(filter, 8),
		}
	}
	for _, c := range []struct {
		name   string
		change func(*chunk)
		ok     bool
	}{
		{"a good one", func(*chunk) {}, true},
		{"a mark in the header", func(c *chunk) { c.marks[0].at = 8 }, false},
		{"a first mark behind the first record", func(c *chunk) { c.marks[0].at = headerBytes + 1 }, false},
		{"a mark before the one before", func(c *chunk) { c.marks[2].at = 999 }, false},
		{"two marks in one place", func(c *chunk) { c.marks[2].at = 1000 }, false},
		{"a mark behind the records", func(c *chunk) { c.marks[2].at = 3000 }, false},
		{"a mark of a batch that is not in there", func(c *chunk) { c.marks[2].seq = 19 }, false},
		{"numbers that do not ascend", func(c *chunk) { c.marks[2].seq = 12 }, false},
		{"batches without a mark", func(c *chunk) { c.marks = nil }, false},
		{"a filter of an odd length", func(c *chunk) { c.filter = make(filter, 24) }, false},
		{"no filter", func(c *chunk) { c.filter = nil }, false},
		{"another chunk's", func(c *chunk) { c.number = 4 }, false},
		{"another store's", func(c *chunk) { c.id = storeID{2} }, false},
	} {
		changed := good()
		c.change(changed)
		if _, err := decodeBody(changed.encodeBody(), good().header, 3000); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// A number of marks that the body has no room for costs nothing.
	body := good().encodeBody()
	at := 16 + 8*8 + 1 + 1 + len("yard")
	if body[at] != 3 {
		t.Fatalf("the number of marks is not at %d", at)
	}
	body = slices.Concat(body[:at], binary.AppendUvarint(nil, 1<<44), body[at+1:])
	if _, err := decodeBody(body, good().header, 3000); err == nil {
		t.Error("a footer of 2⁴⁴ marks was accepted")
	}
}
